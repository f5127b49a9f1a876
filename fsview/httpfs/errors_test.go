package httpfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
)

// TestDamaged: what is damaged is an error that says what and where, not a file and not none.
func TestDamaged(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	fixture.Edit(t, filepath.Join(dir, "00001.wal")).SetLength(100, 1<<32-1)
	for name, test := range map[string]struct {
		tree  *fsview.Tree
		paths []string
	}{
		"length":  {openDir(t, dir, nil), []string{"/entries/101", "/terms/2/101", "/decoded/101.json", "/files/00001.wal/101"}},
		"payload": {fsview.New(memlog.Sample("/var/lib/memory"), nil), []string{"/entries/10", "/decoded/10.json"}},
	} {
		for _, path := range test.paths {
			for _, method := range []string{"GET", "HEAD", "PROPFIND"} {
				h := NewDAV(test.tree, "", Options{})
				got := ask(t, h, method, path, "Depth", "0")
				got.want(t, 500, "Content-Type", "text/plain; charset=utf-8", "Content-Length", "", "ETag", "")
				if !strings.Contains(got.Body.String(), "damaged") {
					t.Errorf("%s: %s %s: %q", name, method, path, got.Body)
				}
			}
		}
	}
}

func TestNoKey(t *testing.T) {
	h := New(openDir(t, fixture.Dir(t, "sealed128"), nil), Options{})
	got := ask(t, h, "GET", "/entries/2")
	got.want(t, 403)
	if !strings.Contains(got.Body.String(), "--key-file") {
		t.Errorf("got %q", got.Body)
	}
}

// TestChanged: an entry that is not in its file any more.
func TestChanged(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	h := New(openDir(t, dir, nil), Options{})
	ask(t, h, "GET", "/entries/42").want(t, 200)
	fixture.Must(t, os.Truncate(filepath.Join(dir, "00001.wal"), 0))
	got := ask(t, h, "GET", "/entries/42", "Accept-Encoding", "gzip")
	got.want(t, 503, "Retry-After", "1", "ETag", "", "Last-Modified", "", "Content-Length", "", "Accept-Ranges", "", "Content-Encoding", "")
	if !strings.Contains(got.Body.String(), "changed") {
		t.Errorf("got %q", got.Body)
	}
}

// TestStatusOf says which error is which status.
func TestStatusOf(t *testing.T) {
	for err, want := range map[error]int{
		fs.ErrNotExist:           404,
		walcore.ErrNoEntry:       404,
		fs.ErrInvalid:            404,
		walcore.ErrDamaged:       500,
		walcore.ErrDataKey:       500,
		io.ErrUnexpectedEOF:      500,
		errors.New("bad sector"): 500,
		walcore.ErrNoKey:         403,
		walcore.ErrChanged:       503,
		gone(fs.ErrNotExist):     503,
		&busyError{io.EOF}:       503,
	} {
		if got := statusOf(fmt.Errorf("entries/1: %w", err)); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}

// TestTreeChangesBetweenTwoSteps: a path is walked anew where what was found is gone at once.
func TestTreeChangesBetweenTwoSteps(t *testing.T) {
	tree := openFixture(t, "alpha")
	for missing, want := range map[int]int{0: 200, 1: 200, 2: 200, 3: 503} {
		v := &goneAtFirst{tree, missing}
		ask(t, New(v, Options{}), "GET", "/entries/42").want(t, want)
	}
}

// goneAtFirst has no attributes of a file the first times.
type goneAtFirst struct {
	fsview.View
	missing int
}

func (v *goneAtFirst) Attr(n fsview.Node) (fsview.Attr, error) {
	a, err := v.View.Attr(n)
	if err == nil && a.Mode.IsRegular() {
		if v.missing--; v.missing >= 0 {
			return a, fs.ErrNotExist
		}
	}
	return a, err
}

// TestReadFails: a body is whole, or the answer is an error, or the connection is broken off.
func TestReadFails(t *testing.T) {
	const path = "/jsonl/00001.wal.jsonl"
	tree := openFixture(t, "alpha")
	size := int64(len(read(t, tree, path[1:])))
	if size < 3*pieceSize {
		t.Fatal("the file has not enough pieces")
	}
	bad := errors.New("00001.wal slot 7: bad sector")
	for _, test := range []struct {
		name string
		read func(n fsview.Node, p []byte, off int64) (int, error)
		code int // of an answer to GET; 0: it is broken off
		rng  string
		same bool // with gzip
	}{
		{"at once", func(fsview.Node, []byte, int64) (int, error) { return 0, bad }, 500, "", true},
		{"at once, of a range", func(fsview.Node, []byte, int64) (int, error) { return 0, bad }, 500, "bytes=5-6", true},
		{"at once, of several ranges", func(fsview.Node, []byte, int64) (int, error) { return 0, bad }, 0, "bytes=5-6,7-8", true},
		{"later", func(n fsview.Node, p []byte, off int64) (int, error) {
			if off >= pieceSize {
				return 0, bad
			}
			return tree.ReadAt(n, p, off)
		}, 0, "", true},
		{"it is gone at once", func(fsview.Node, []byte, int64) (int, error) { return 0, fs.ErrNotExist }, 503, "", true},
		{"it is shorter", func(n fsview.Node, p []byte, off int64) (int, error) {
			k, err := tree.ReadAt(n, p, off)
			if err == io.EOF {
				k--
			}
			return k, err
		}, 0, "", true},
		{"it is longer", func(n fsview.Node, p []byte, off int64) (int, error) {
			k, err := tree.ReadAt(n, p, off)
			if k < len(p) {
				p[k] = '\n'
				k, err = k+1, nil
			}
			return k, err
		}, 0, "", true},
		{"it is empty", func(fsview.Node, []byte, int64) (int, error) { return 0, io.EOF }, 503, "", true},
		{"it is whole", tree.ReadAt, 200, "", true},
	} {
		for _, encoding := range []string{"identity", "gzip"} {
			t.Run(test.name+", "+encoding, func(t *testing.T) {
				server := httptest.NewServer(New(viewFunc{tree, test.read}, Options{}))
				defer server.Close()
				r, err := http.NewRequest("GET", server.URL+path, nil)
				fixture.Must(t, err)
				r.Header.Set("Accept-Encoding", encoding)
				if test.rng != "" {
					r.Header.Set("Range", test.rng)
				}
				got, err := server.Client().Do(r)
				if err != nil {
					if test.code != 0 {
						t.Fatal(err)
					}
					return
				}
				defer got.Body.Close()
				body, err := io.ReadAll(got.Body)
				switch {
				case test.code == 0 && err == nil:
					t.Errorf("a client takes %d, %d bytes, for all of it", got.StatusCode, len(body))
				case test.code != 0 && (err != nil || got.StatusCode != test.code):
					t.Errorf("got %d, %v, want %d: %.300q", got.StatusCode, err, test.code, body)
				case test.code == 500 && string(body) != bad.Error()+"\n":
					t.Errorf("got %q", body)
				}
			})
		}
	}
}

// TestDecodeIsAsked: what may have to be decoded is not read without permission.
func TestDecodeIsAsked(t *testing.T) {
	tree := openFixture(t, "snaponly")
	alpha := openFixture(t, "alpha")
	for path, decodes := range map[string]bool{
		"/decoded/42.json": true, "/jsonl/00001.wal.jsonl": true, "/snapshots/latest/decoded.json": true, "/decoded/": true,
		"/entries/42": false, "/status.json": false, "/snapshots/latest/data": false, "/": false, "/entries/": false, "/native/wal.meta": false, "/snapshots/": true,
	} {
		tree := tree
		if !strings.HasPrefix(path, "/snapshots") {
			tree = alpha
		}
		asked, held, most := 0, 0, 0
		h := New(tree, Options{Decode: func(context.Context) (func(), error) {
			asked++
			held++
			most = max(most, held)
			return func() { held-- }, nil
		}})
		ask(t, h, "GET", path).want(t, 200)
		if asked > 0 != decodes || held != 0 || most > 1 {
			t.Errorf("%s: asked %d times, %d are held, %d at once", path, asked, held, most)
		}
		h = New(tree, Options{Decode: func(context.Context) (func(), error) { return nil, errors.New("too many are at it") }})
		got := ask(t, h, "GET", path)
		if !decodes {
			got.want(t, 200)
			continue
		}
		got.want(t, 503, "Retry-After", "1")
		if got.Body.String() != "too many are at it\n" {
			t.Errorf("%s: %q", path, got.Body)
		}
	}
}

// TestSlowClient: while a client is written to, no permission is held, and not much has been
// read that it did not get.
func TestSlowClient(t *testing.T) {
	tree := openFixture(t, "alpha")
	held, got, taken := 0, int64(0), int64(0)
	v := viewFunc{tree, func(n fsview.Node, p []byte, off int64) (int, error) {
		if held != 1 {
			t.Error("bytes are read without permission")
		}
		k, err := tree.ReadAt(n, p, off)
		got += int64(k)
		return k, err
	}}
	h := New(v, Options{Decode: func(context.Context) (func(), error) { held++; return func() { held-- }, nil }})
	c := &counter{header: http.Header{}}
	c.write = func(p []byte) error {
		if held != 0 {
			t.Error("permission is held while the client is written to")
		}
		if got-taken > pieceSize+1 {
			t.Errorf("%d bytes were read that it has not got", got-taken)
		}
		taken += int64(len(p))
		if taken > 2*pieceSize {
			return io.ErrClosedPipe // it goes away
		}
		return nil
	}
	h.ServeHTTP(c, request("GET", "/jsonl/00001.wal.jsonl", nil))
	if taken == 0 || got > taken+pieceSize {
		t.Errorf("%d bytes were read for a client that took %d", got, taken)
	}
}

// blocked is a client that does not read. The first write tells waiting, and ends when reads is
// closed.
type blocked struct {
	header  http.Header
	once    sync.Once
	waiting *sync.WaitGroup
	reads   chan struct{}
}

func (c *blocked) Header() http.Header { return c.header }
func (c *blocked) WriteHeader(int)     {}
func (c *blocked) Write(p []byte) (int, error) {
	c.once.Do(c.waiting.Done)
	<-c.reads
	return 0, io.ErrClosedPipe
}

// TestManySlowClients: clients that do not read cost less than 200 kB each.
func TestManySlowClients(t *testing.T) {
	fixture.NotForRace(t)
	tree := openFixture(t, "alpha")
	const clients = 50
	for _, test := range []struct {
		method, path, encoding string
	}{
		{"GET", "/jsonl/00001.wal.jsonl", ""},
		{"GET", "/jsonl/00001.wal.jsonl", "gzip"},
		{"GET", "/entries/", "gzip"},
		{"PROPFIND", "/entries/", "gzip"},
	} {
		h := NewDAV(tree, "", Options{})
		ask(t, h, test.method, test.path, "Depth", "1") // caches are full
		heap := func() int64 {
			runtime.GC()
			runtime.GC() // of pools, too
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		before := heap()
		reads := make(chan struct{})
		var waiting, end sync.WaitGroup
		waiting.Add(clients)
		for range clients {
			r := request(test.method, test.path, nil, "Depth", "1", "Accept-Encoding", test.encoding)
			end.Go(func() { h.ServeHTTP(&blocked{header: http.Header{}, waiting: &waiting, reads: reads}, r) })
		}
		waiting.Wait()
		if each := (heap() - before) / clients; each > 200_000 {
			t.Errorf("%v: %d bytes for each client", test, each)
		}
		close(reads)
		end.Wait()
	}
}
