package httpfs

import (
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// TestWritesAreRefused: each method that would change something is, without a look at the body,
// and no method changes anything.
func TestWritesAreRefused(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	fixture.Age(t, dir)
	before := fixture.State(t, dir)
	h := NewDAV(openDir(t, dir, nil), "/dav", Options{})
	for _, method := range []string{"PUT", "DELETE", "POST", "PATCH", "MKCOL", "COPY", "MOVE", "PROPPATCH", "LOCK", "UNLOCK",
		"TRACE", "CONNECT", "SEARCH", "REPORT", "put", "BREW"} {
		want := 403
		if strings.Contains("TRACE CONNECT SEARCH REPORT put BREW", method) {
			want = 405
		}
		for _, path := range []string{"/", "/README", "/entries/42", "/native/00001.wal", "/native/new", "/no/new", "/../x"} {
			body := &countingBody{}
			r := request(method, path, nil, "Destination", "http://example.com/dav/native/other", "Overwrite", "T", "If", "(<x>)")
			r.Body = body
			send(h, r).want(t, want, "Allow", davMethods, "Content-Type", "text/plain; charset=utf-8")
			if body.read > 0 {
				t.Errorf("%s reads %d bytes of the body", method, body.read)
			}
		}
	}
	if after := fixture.State(t, dir); after != before {
		t.Errorf("the directory was\n%sand is\n%s", before, after)
	}
}

// countingBody never ends.
type countingBody struct{ read int }

func (b *countingBody) Read(p []byte) (int, error) { b.read += len(p); return len(p), nil }
func (b *countingBody) Close() error               { return nil }
