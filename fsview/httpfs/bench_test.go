package httpfs

import (
	"net/http"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// discard is a client that takes everything. Its header is used again.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// mostAllocs is how many allocations a GET of a small entry may take. The headers' values
// are half of them, http.ServeContent's the rest.
const mostAllocs = 14

func TestAllocations(t *testing.T) {
	fixture.NotForRace(t)
	h := New(openFixture(t, "alpha"), Options{})
	w, r := &discard{http.Header{}}, request("GET", "/entries/42", nil)
	if got := testing.AllocsPerRun(100, func() { clear(w.header); h.ServeHTTP(w, r) }); got > mostAllocs {
		t.Errorf("a GET of an entry takes %v allocations, want at most %d", got, mostAllocs)
	}
}

func BenchmarkGet(b *testing.B) {
	tree := openFixture(b, "alpha")
	for _, bench := range []struct{ name, path, encoding string }{
		{"entry", "/entries/00000000000000000042", ""},
		{"decoded", "/decoded/42.json", ""},
		{"lines", "/jsonl/00001.wal.jsonl", ""},
		{"lines-gzip", "/jsonl/00001.wal.jsonl", "gzip"},
		{"native", "/native/00001.wal", ""},
		{"page", "/entries/", ""},
	} {
		b.Run(bench.name, func(b *testing.B) {
			h := New(tree, Options{})
			w, r := &discard{http.Header{}}, request("GET", bench.path, nil, "Accept-Encoding", bench.encoding)
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
		})
	}
}

func BenchmarkPropfind(b *testing.B) {
	h := NewDAV(openFixture(b, "alpha"), "/dav", Options{})
	w, r := &discard{http.Header{}}, request("PROPFIND", "/entries/", nil, "Depth", "1")
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}
