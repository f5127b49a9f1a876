package httpfs

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/dgraph"
)

// openDir opens a directory's tree.
func openDir(t testing.TB, dir string, key []byte) *fsview.Tree {
	t.Helper()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: key})
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return fsview.New(r, nil)
}

// openFixture opens a fixture's tree.
func openFixture(t testing.TB, name string) *fsview.Tree {
	t.Helper()
	return openDir(t, fixture.Dir(t, name), fixture.Key(name))
}

func read(t testing.TB, tree *fsview.Tree, path string) string {
	t.Helper()
	b, err := fs.ReadFile(tree, path)
	fixture.Must(t, err)
	return string(b)
}

// answer is what a handler said.
type answer struct {
	*httptest.ResponseRecorder
	aborted bool // the connection was broken off
}

// ask sends a handler a request, with headers by name and value. The path is as it is after
// the server has decoded it.
func ask(t testing.TB, h http.Handler, method, path string, headers ...string) answer {
	t.Helper()
	return send(h, request(method, path, nil, headers...))
}

func request(method, path string, body []byte, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "/", bytes.NewReader(body))
	r.URL = &url.URL{Path: path}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func send(h http.Handler, r *http.Request) (a answer) {
	a.ResponseRecorder = httptest.NewRecorder()
	defer func() {
		switch x := recover(); x {
		case nil:
		case http.ErrAbortHandler:
			a.aborted = true
		default:
			panic(x)
		}
	}()
	h.ServeHTTP(a, r)
	return a
}

// want checks an answer's status, and headers by name and value.
func (a answer) want(t testing.TB, code int, headers ...string) {
	t.Helper()
	if a.Code != code || a.aborted {
		t.Errorf("got %d (broken off: %v), want %d: %.300q", a.Code, a.aborted, code, a.Body)
	}
	for i := 0; i < len(headers); i += 2 {
		if got := a.Header().Get(headers[i]); got != headers[i+1] {
			t.Errorf("%s is %q, want %q", headers[i], got, headers[i+1])
		}
	}
}

// viewFunc is a tree that reads in another way.
type viewFunc struct {
	fsview.View
	readAt func(n fsview.Node, p []byte, off int64) (int, error)
}

func (v viewFunc) ReadAt(n fsview.Node, p []byte, off int64) (int, error) { return v.readAt(n, p, off) }
