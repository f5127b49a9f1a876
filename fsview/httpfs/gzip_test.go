package httpfs

import (
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

func TestTakesGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "deflate, gzip, br": true, "deflate,gzip;q=0.5": true, "gzip;q=1": true, "*": true,
		"gzip;q=0": false, "gzip; q=0.000": false, "gzip;Q=0.": false, "identity": false, "x-gzippy": false, "br;q=1.0, gzip;q=0.010": true,
		",,gzip": true, ";": false, "gzip;q=": false,
	} {
		if got := takesGzip([]string{header}); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

// TestGzip: a compressed file has its own ETag, and says nothing of its length; HEAD says the
// same, and what it says is known again.
func TestGzip(t *testing.T) {
	tree := openFixture(t, "alpha")
	h := New(tree, Options{})
	for _, path := range []string{"/jsonl/00001.wal.jsonl", "/README"} {
		t.Run(path, func(t *testing.T) {
			want := read(t, tree, path[1:])
			plain := ask(t, h, "GET", path)
			plain.want(t, 200, "Vary", "Accept-Encoding", "Content-Encoding", "")
			tag := strings.TrimSuffix(plain.Header().Get("ETag"), `"`) + `-gzip"`
			got := ask(t, h, "GET", path, "Accept-Encoding", "gzip, deflate")
			got.want(t, 200, "Vary", "Accept-Encoding", "Content-Encoding", "gzip", "Content-Length", "", "Accept-Ranges", "", "ETag", tag,
				"Content-Type", plain.Header().Get("Content-Type"))
			if text := unzip(t, got); text != want {
				t.Errorf("got %d bytes, want %d", len(text), len(want))
			}
			head := ask(t, h, "HEAD", path, "Accept-Encoding", "gzip")
			head.want(t, 200)
			if head.Body.Len() > 0 || fmt.Sprint(head.Header()) != fmt.Sprint(got.Header()) {
				t.Errorf("HEAD says %v, GET %v", head.Header(), got.Header())
			}
			ask(t, h, "GET", path, "Accept-Encoding", "gzip", "If-None-Match", tag).want(t, 304, "ETag", tag, "Vary", "Accept-Encoding", "Content-Encoding", "")
			ask(t, h, "GET", path, "Accept-Encoding", "gzip", "If-None-Match", plain.Header().Get("ETag")).want(t, 200)
			ask(t, h, "GET", path, "If-None-Match", tag).want(t, 200)
		})
	}
	ask(t, h, "GET", "/README", "Accept-Encoding", "gzip", "If-Match", `"other"`).want(t, 412, "Content-Encoding", "")
	old := request("GET", "/README", nil, "Accept-Encoding", "gzip")
	old.ProtoMinor = 0
	send(h, old).want(t, 200, "Content-Encoding", "", "Vary", "Accept-Encoding")
	// Short ones are not worth it.
	ask(t, h, "GET", "/meta/raft_id", "Accept-Encoding", "gzip").want(t, 200, "Content-Encoding", "", "Content-Length", "2")
	// Pages are.
	page := ask(t, h, "GET", "/entries/", "Accept-Encoding", "gzip")
	page.want(t, 200, "Content-Encoding", "gzip")
	if got, want := unzip(t, page), ask(t, h, "GET", "/entries/").Body.String(); got != want {
		t.Errorf("the page has %d bytes, want %d", len(got), len(want))
	}
}

func TestGzipOfPropfind(t *testing.T) {
	h := NewDAV(openFixture(t, "alpha"), "/dav", Options{})
	for _, depth := range []string{"0", "1"} {
		got := ask(t, h, "PROPFIND", "/entries/", "Depth", depth, "Accept-Encoding", "gzip")
		got.want(t, 207, "Content-Encoding", "gzip", "Vary", "Accept-Encoding")
		if text, want := unzip(t, got), ask(t, h, "PROPFIND", "/entries/", "Depth", depth).Body.String(); text != want {
			t.Errorf("depth %s: %d bytes, want %d", depth, len(text), len(want))
		}
	}
}

func unzip(t *testing.T, a answer) string {
	t.Helper()
	z, err := gzip.NewReader(a.Body)
	fixture.Must(t, err)
	b, err := io.ReadAll(z)
	fixture.Must(t, err)
	return string(b)
}
