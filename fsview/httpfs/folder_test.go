package httpfs

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
)

var link = regexp.MustCompile(`<a href="([^"]*)">`)

// links are where a page leads.
func links(page string) (to []string) {
	for _, m := range link.FindAllStringSubmatch(page, -1) {
		to = append(to, m[1])
	}
	return to
}

// TestPages: a page of each folder has a link for each name, and each link leads somewhere.
func TestPages(t *testing.T) {
	tree := openFixture(t, "snaponly")
	h := New(tree, Options{})
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		at := "/"
		if path != "." {
			at += path + "/"
		}
		got := ask(t, h, "GET", at)
		got.want(t, 200, "Content-Type", "text/html; charset=utf-8", "X-Content-Type-Options", "nosniff", "ETag", "")
		var want []string
		if at != "/" {
			want = append(want, "../")
		}
		names, err := fs.ReadDir(tree, path)
		fixture.Must(t, err)
		for _, name := range names {
			if name.Type().IsRegular() {
				want = append(want, name.Name())
			} else {
				want = append(want, name.Name()+"/")
			}
		}
		if to := links(got.Body.String()); !slices.Equal(to, want) {
			t.Errorf("%s leads to %.300q, want %.300q", at, to, want)
		}
		for i, to := range want {
			if to != "../" && i < 5 {
				ask(t, h, "HEAD", strings.ReplaceAll(at+to, "latest/", "latest")).want(t, map[bool]int{true: 301, false: 200}[to == "latest/"])
			}
		}
		head := ask(t, h, "HEAD", at)
		head.want(t, 200)
		if head.Body.Len() > 0 {
			t.Errorf("HEAD %s has a body", at)
		}
		return nil
	})
	fixture.Must(t, err)
}

func TestPageLooks(t *testing.T) {
	page := ask(t, New(openFixture(t, "alpha"), Options{}), "GET", "/meta/hard_state/").Body.String()
	for _, want := range []string{
		`<!doctype html>`, `<html lang="en">`, `<meta charset="utf-8">`, `<meta name="color-scheme" content="light dark">`,
		`<title>/meta/hard_state/</title>`,
		"<pre>\n<a href=\"../\">../</a>\n<a href=\"commit\">commit</a>" + strings.Repeat(" ", timeColumn-len("commit")) + "20",
		"             4\n<a href=\"term\">",
		"</pre>\n</body>\n</html>\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("there is no %q in\n%s", want, page)
		}
	}
	if bad := regexp.MustCompile(`<script|<style|style=| on\w+=`).FindString(page); bad != "" {
		t.Errorf("the page has %q", bad)
	}
}

// TestNamesAreEscaped: a name is never HTML, and never leads out of its folder.
func TestNamesAreEscaped(t *testing.T) {
	names := []string{"<script>alert(1)<", "a\"b'c", "a&amp;b", "%2e%2e", "a?b#c", "javascript:x", "a b\n", "\xff", "ü", `a\b`}
	var entries []memlog.Entry
	for i, name := range names {
		entries = append(entries, memlog.Entry{Term: 1, Index: uint64(i + 1), Data: "<script>", File: name})
	}
	h := New(fsview.New(memlog.New("/var/lib/memory", entries), nil), Options{})
	d := NewDAV(fsview.New(memlog.New("/var/lib/memory", entries), nil), "/dav", Options{})
	page := ask(t, h, "GET", "/native/").Body.String()
	if strings.Contains(page, "<script>") || len(links(page)) != len(names)+1 {
		t.Errorf("got\n%s", page)
	}
	base, err := http.NewRequest("GET", "http://host/x/native/", nil)
	fixture.Must(t, err)
	multistatus := parseMultistatus(t, ask(t, d, "PROPFIND", "/native/", "Depth", "1"))
	for _, name := range names {
		found := slices.ContainsFunc(links(page), func(to string) bool {
			u, err := base.URL.Parse(strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&amp;", "&").Replace(to))
			return err == nil && u.Host == "host" && u.Path == "/x/native/"+name
		})
		if !found {
			t.Errorf("no link leads to %q in\n%s", name, page)
		}
		if multistatus["/dav/native/"+name] == nil {
			t.Errorf("no href leads to %q", name)
		}
		got := ask(t, h, "GET", "/native/"+name)
		got.want(t, 200, "Content-Type", "application/octet-stream", "X-Content-Type-Options", "nosniff")
		if got.Body.String() != "<script>" {
			t.Errorf("%q: %q", name, got.Body)
		}
		if to := ask(t, h, "GET", "/files/"+name).Header().Get("Location"); to != "" {
			u, err := base.URL.Parse(to)
			if err != nil || u.Host != "host" || u.Path != "/x/native/"+name+"/" {
				t.Errorf("files/%s is redirected to %q", name, to)
			}
		}
	}
}

// manyEntries is a tree that lists many names.
type manyEntries struct {
	fsview.View
	names  uint64
	listed int
	while  func() // called for each name
}

const aMillion = 1_000_000

func (v *manyEntries) List(_ fsview.Node, after uint64, fn func(fsview.Dirent) bool) error {
	var a fsview.Attr
	for i := after + 1; i <= v.names; i++ {
		v.listed++
		v.while()
		if !fn(fsview.Dirent{Name: name42, Cookie: i, Attr: &a}) {
			break
		}
	}
	return nil
}

// counter is a client that counts what it gets.
type counter struct {
	header http.Header
	bytes  int64
	lines  int
	write  func(p []byte) error
}

func (c *counter) Header() http.Header { return c.header }
func (c *counter) WriteHeader(int)     {}
func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	c.lines += strings.Count(string(p), "</a>") + strings.Count(string(p), "</D:response>")
	return len(p), c.write(p)
}

// TestMillion: a list of a million names is written in pieces, without the permission to
// decode, and takes no memory that grows with it. A client that goes away ends it.
func TestMillion(t *testing.T) {
	for name, handler := range map[string]func(fsview.View, Options) http.Handler{
		"http": New,
		"dav":  func(v fsview.View, o Options) http.Handler { return NewDAV(v, "/dav", o) },
	} {
		t.Run(name, func(t *testing.T) {
			held := 0
			options := Options{Decode: func(context.Context) (func(), error) { held++; return func() { held-- }, nil }}
			v := &manyEntries{View: openFixture(t, "zero"), while: func() {
				if held != 1 {
					t.Fatal("a size is asked for without the permission to decode")
				}
			}}
			method := map[string]string{"http": "GET", "dav": "PROPFIND"}[name]
			largest := 0
			c := &counter{header: http.Header{}, write: func(p []byte) error {
				largest = max(largest, len(p))
				if held != 0 {
					t.Fatal("the permission to decode is held while the client is written to")
				}
				return nil
			}}
			want := fixture.Size(aMillion/50, aMillion)
			v.names = uint64(want)
			h := handler(v, options)
			h.ServeHTTP(c, request(method, "/decoded/", nil, "Depth", "1"))
			if c.lines != want+1 || largest > listPiece+4<<10 {
				t.Errorf("%d names in pieces of up to %d bytes", c.lines, largest)
			}
			allocs := testing.AllocsPerRun(1, func() { h.ServeHTTP(c, request(method, "/decoded/", nil, "Depth", "1")) })
			if allocs > float64(want)/8 {
				t.Errorf("%v allocations for %d names", allocs, want)
			}

			v.listed = 0
			c.write = func([]byte) error { return io.ErrClosedPipe }
			h.ServeHTTP(c, request(method, "/decoded/", nil, "Depth", "1"))
			if v.listed > 2*listPiece/len(name42) {
				t.Errorf("%d names are listed for a client that is gone", v.listed)
			}
		})
	}
}

// TestListFailsInTheMiddle: a page that lacks names is not taken for a whole one.
func TestListFailsInTheMiddle(t *testing.T) {
	for _, pieces := range []int{0, 1, 3} {
		v := &failingList{View: openFixture(t, "zero"), good: pieces}
		got := ask(t, New(v, Options{}), "GET", "/entries/")
		if pieces == 0 {
			got.want(t, 500, "Content-Type", "text/plain; charset=utf-8")
		} else if !got.aborted {
			t.Errorf("after %d pieces: %d, %d bytes", pieces, got.Code, got.Body.Len())
		}
		v.good = pieces
		got = ask(t, NewDAV(v, "", Options{}), "PROPFIND", "/entries/", "Depth", "1")
		if pieces == 0 {
			got.want(t, 500)
		} else if !got.aborted {
			t.Errorf("WebDAV, after %d pieces: %d, %d bytes", pieces, got.Code, got.Body.Len())
		}
	}
}

type failingList struct {
	fsview.View
	good int // pieces
}

func (v *failingList) List(_ fsview.Node, after uint64, fn func(fsview.Dirent) bool) error {
	if v.good--; v.good < 0 {
		return fmt.Errorf("bad sector")
	}
	var a fsview.Attr
	for fn(fsview.Dirent{Name: name42, Cookie: after + 1, Attr: &a}) {
	}
	return nil
}
