package httpfs

import (
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
)

const name42 = "00000000000000000042"

// TestFiles: each sort of file has its type, and the bytes that the tree has.
func TestFiles(t *testing.T) {
	tree := openFixture(t, "snaponly")
	alpha := openFixture(t, "alpha")
	for _, test := range []struct {
		path, contentType string
		etag              string // strong, weak, none
	}{
		{"README", "text/plain; charset=utf-8", "strong"},
		{"status.json", "application/json", "strong"},
		{"meta/raft_id", "text/plain; charset=utf-8", "strong"},
		{"meta/hard_state/commit", "text/plain; charset=utf-8", "strong"},
		{"entries/42", "application/octet-stream", "strong"},
		{"entries/" + name42, "application/octet-stream", "strong"},
		{"entries/975", "application/octet-stream", "strong"},
		{"terms/2/42", "application/octet-stream", "strong"},
		{"types/normal/42", "application/octet-stream", "strong"},
		{"files/00001.wal/42", "application/octet-stream", "strong"},
		{"decoded/42.json", "application/json", "weak"},
		{"jsonl/00001.wal.jsonl", "application/x-ndjson", "strong"},
		{"native/wal.meta", "application/octet-stream", "none"},
		{"snapshots/latest/data", "application/octet-stream", "weak"},
		{"snapshots/latest/metadata.json", "application/json", "weak"},
		{"snapshots/latest/decoded.json", "application/json", "weak"},
		{"snapshots/00000000000000000006-00000000000000001000/snapshot.pb", "application/octet-stream", "weak"},
	} {
		t.Run(test.path, func(t *testing.T) {
			tree := tree
			if !strings.HasPrefix(test.path, folderSnapshots) {
				tree = alpha
			}
			want := read(t, tree, test.path)
			info, err := fs.Stat(tree, test.path)
			fixture.Must(t, err)
			h := New(tree, Options{})
			got := ask(t, h, "GET", "/"+test.path)
			got.want(t, 200, "Content-Type", test.contentType, "X-Content-Type-Options", "nosniff", "Cache-Control", "private, no-cache",
				"Content-Length", fmt.Sprint(len(want)), "Accept-Ranges", "bytes", "Content-Encoding", "",
				"Last-Modified", info.ModTime().UTC().Format(http.TimeFormat))
			if got.Body.String() != want {
				t.Errorf("got %d bytes, want %d", got.Body.Len(), len(want))
			}
			tag := got.Header().Get("ETag")
			kind := "none"
			switch {
			case strings.HasPrefix(tag, `W/"`):
				kind = "weak"
			case strings.HasPrefix(tag, `"`):
				kind = "strong"
			}
			if kind != test.etag {
				t.Errorf("the ETag %s is %s, want %s", tag, kind, test.etag)
			}

			head := ask(t, h, "HEAD", "/"+test.path)
			head.want(t, 200)
			if head.Body.Len() > 0 || fmt.Sprint(head.Header()) != fmt.Sprint(got.Header()) {
				t.Errorf("HEAD: %d bytes, %v, want %v", head.Body.Len(), head.Header(), got.Header())
			}

			if tag != "" {
				ask(t, h, "GET", "/"+test.path, "If-None-Match", tag).want(t, 304, "ETag", tag, "Content-Length", "")
			}
			// A time confirms nothing.
			ask(t, h, "GET", "/"+test.path, "If-Modified-Since", got.Header().Get("Last-Modified")).want(t, 200)
			ask(t, h, "GET", "/"+test.path, "If-None-Match", `"other"`).want(t, 200)
		})
	}
}

// TestWeakETagWhereNothingIsCommitted: the log of memlog does not tell what is.
func TestWeakETagWhereNothingIsCommitted(t *testing.T) {
	h := New(fsview.New(memlog.Sample("/var/lib/memory"), nil), Options{})
	for _, path := range []string{"/entries/9", "/terms/2/9", "/replaced/00000000000000000009-00000000000000000001"} {
		got := ask(t, h, "GET", path)
		if tag := got.Header().Get("ETag"); got.Code != 200 || !strings.HasPrefix(tag, "W/") {
			t.Errorf("%s: %d, ETag %s", path, got.Code, tag)
		}
	}
}

// TestAnotherEntryInItsPlace: a leader has replaced an entry by another one of the same size,
// and both have the time of the same log file. Nobody is told that he has it already, or gets
// a part of one and a part of the other.
func TestAnotherEntryInItsPlace(t *testing.T) {
	serve := func(term uint64, data string) http.Handler {
		return New(fsview.New(memlog.New("/var/lib/memory", []memlog.Entry{{Term: term, Index: 9, Data: data, File: "a"}}), nil), Options{})
	}
	was := ask(t, serve(1, "the first"), "GET", "/entries/9").Header()
	tag, at := was.Get("ETag"), was.Get("Last-Modified")
	for _, headers := range [][]string{
		{"If-None-Match", tag},
		{"If-Modified-Since", at},
		{"If-Range", tag, "Range", "bytes=4-"},
		{"If-Range", at, "Range", "bytes=4-"},
	} {
		got := ask(t, serve(2, "leader 2'"), "GET", "/entries/9", headers...)
		got.want(t, 200, "Last-Modified", at)
		if got.Body.String() != "leader 2'" {
			t.Errorf("%q: got %q", headers, got.Body)
		}
	}
	// In two terms whose nodes are alike but for the time.
	if now := ask(t, serve(1+1<<6, "the first"), "GET", "/entries/9").Header().Get("ETag"); now == tag {
		t.Errorf("entries of two terms have the ETag %s", tag)
	}
}

func TestRange(t *testing.T) {
	tree := openFixture(t, "alpha")
	h := New(tree, Options{})
	whole := read(t, tree, "jsonl/00001.wal.jsonl")
	tag := ask(t, h, "HEAD", "/jsonl/00001.wal.jsonl").Header().Get("ETag")
	size := len(whole)
	for _, test := range []struct {
		headers  []string
		code     int
		from, to int
	}{
		{[]string{"Range", "bytes=0-9"}, 206, 0, 10},
		{[]string{"Range", "bytes=100-99999"}, 206, 100, 100000},
		{[]string{"Range", "bytes=-7"}, 206, size - 7, size},
		{[]string{"Range", fmt.Sprintf("bytes=%d-", size-1)}, 206, size - 1, size},
		{[]string{"Range", "bytes=70000-", "Accept-Encoding", "gzip"}, 206, 70000, size},
		{[]string{"Range", "bytes=5-9", "If-Range", tag}, 206, 5, 10},
		{[]string{"Range", "bytes=5-9", "If-Range", `"other"`}, 200, 0, size},
		{[]string{"Range", "bytes=5-9", "If-Range", strings.TrimSuffix(tag, `"`) + `-gzip"`}, 200, 0, size},
		{[]string{"Range", "bytes=5-9", "If-Range", "Fri, 01 Jan 2100 00:00:00 GMT"}, 200, 0, size},
		{[]string{"Range", "bytes=" + strings.Repeat("1-2,", mostRanges) + "1-2"}, 200, 0, size},
		{[]string{"Range", "bytes=5-9", "If-None-Match", tag}, 304, 0, 0},
		{[]string{"Range", fmt.Sprintf("bytes=%d-", size)}, 416, 0, 0},
		{[]string{"Range", "bytes=x"}, 416, 0, 0},
		{[]string{"If-Match", `"other"`}, 412, 0, 0},
	} {
		t.Run(fmt.Sprint(test.headers), func(t *testing.T) {
			got := ask(t, h, "GET", "/jsonl/00001.wal.jsonl", test.headers...)
			got.want(t, test.code, "Content-Encoding", "")
			if test.code == 206 {
				got.want(t, 206, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", test.from, test.to-1, size),
					"Content-Length", fmt.Sprint(test.to-test.from), "ETag", tag)
			}
			if want := whole[test.from:test.to]; test.code < 300 && got.Body.String() != want {
				t.Errorf("got %d bytes, want %d", got.Body.Len(), len(want))
			}
		})
	}
}

// TestIfRangeOfWeakETag: what may have changed is given whole.
func TestIfRangeOfWeakETag(t *testing.T) {
	h := New(openFixture(t, "alpha"), Options{})
	tag := ask(t, h, "HEAD", "/decoded/42.json").Header().Get("ETag")
	ask(t, h, "GET", "/decoded/42.json", "Range", "bytes=0-3", "If-Range", tag).want(t, 200)
	ask(t, h, "GET", "/native/wal.meta", "Range", "bytes=0-3").want(t, 206, "Content-Length", "4")
}

func TestSeveralRanges(t *testing.T) {
	tree := openFixture(t, "alpha")
	whole := read(t, tree, "jsonl/00001.wal.jsonl")
	got := ask(t, New(tree, Options{}), "GET", "/jsonl/00001.wal.jsonl", "Range", "bytes=0-9,1000-1099,-5")
	got.want(t, 206)
	_, params, err := mime.ParseMediaType(got.Header().Get("Content-Type"))
	fixture.Must(t, err)
	parts := multipart.NewReader(got.Body, params["boundary"])
	for _, want := range []string{whole[:10], whole[1000:1100], whole[len(whole)-5:]} {
		p, err := parts.NextPart()
		fixture.Must(t, err)
		b, err := io.ReadAll(p)
		fixture.Must(t, err)
		if string(b) != want || p.Header.Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("got %q, %v, want %q", b, p.Header, want)
		}
	}
}

// TestSeveralRangesOfAClientThatGoes: when the handler has returned, nobody reads any more.
func TestSeveralRangesOfAClientThatGoes(t *testing.T) {
	tree := openFixture(t, "alpha")
	var returned atomic.Bool
	h := New(viewFunc{tree, func(n fsview.Node, p []byte, off int64) (int, error) {
		if returned.Load() {
			t.Error("it reads when the handler has returned")
		}
		return tree.ReadAt(n, p, off)
	}}, Options{})
	for range 50 {
		returned.Store(false)
		c := &counter{header: http.Header{}, write: func([]byte) error { return io.ErrClosedPipe }}
		h.ServeHTTP(c, request("GET", "/jsonl/00001.wal.jsonl", nil, "Range", "bytes=0-100000,100001-200000"))
		returned.Store(true)
	}
}

func TestRedirects(t *testing.T) {
	h := New(openFixture(t, "snaponly"), Options{})
	for path, want := range map[string]string{
		"/entries":                  "entries/",
		"/meta/hard_state":          "hard_state/",
		"/snapshots/latest":         "latest/",
		"/snapshots/latest/":        "../00000000000000000006-00000000000000001000/",
		"/types/normal":             "normal/",
		"/entries/../../evil.com":   "",
		"//evil.com":                "",
		"//entries":                 "",
		"/entries//":                "",
		"/snapshots/latest/latest/": "",
	} {
		got := ask(t, h, "GET", path)
		if got.Header().Get("Location") != want || want == "" && got.Code != 404 {
			t.Errorf("%s: %d, Location %q, want %q", path, got.Code, got.Header().Get("Location"), want)
		}
	}
}

// TestNoSuchPath: no path leads out of the tree, and none is found under two names but for
// the short ones.
func TestNoSuchPath(t *testing.T) {
	h := New(openFixture(t, "alpha"), Options{})
	for _, path := range []string{"", "entries", "/.", "/..", "/../", "/entries/..", "/entries/../status.json", "/./README", "//README",
		"/entries//42", "/entries/42/", "/entries/42/x", "/entries/42/..", "/README/", "/native/../README", "/native/..", "/native/../../w/00001.wal",
		"/native/%2e%2e", "/native/..%2f", `/native\wal.meta`, `/native/..\wal.meta`, `/..\`, "/C:", `/C:\`, "/c:/windows", "/native/C:", "/NATIVE/wal.meta", "/readme",
		"/entries/42\x00", "/\x00", "/native/wal.meta\x00.txt", "/native/wal.meta ", "/native/wal.meta.", "/native/wal.meta::$DATA",
		"/entries/+42", "/entries/0x2a", "/entries/042", "/entries/-1", "/entries/976", "/entries/18446744073709551616", "/entries/\xff\xfe",
		"/" + strings.Repeat("a", 1<<20), strings.Repeat("/entries", 1<<16), "/<script>alert(1)</script>"} {
		for _, method := range []string{"GET", "HEAD"} {
			got := ask(t, h, method, path)
			got.want(t, 404, "Content-Type", "text/plain; charset=utf-8", "X-Content-Type-Options", "nosniff", "Location", "")
			if t.Failed() {
				t.Fatalf("%s %.100q", method, path)
			}
			if got.Body.Len() > 4<<10 {
				t.Errorf("%.100q: the answer has %d bytes", path, got.Body.Len())
			}
		}
	}
}

func TestOtherMethods(t *testing.T) {
	h := New(openFixture(t, "alpha"), Options{})
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"} {
		ask(t, h, method, "/README").want(t, 405, "Allow", "GET, HEAD")
	}
}
