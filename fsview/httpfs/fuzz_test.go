package httpfs

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/memlog"
)

// FuzzPath asks for any path, with any method. What is found is found under a path of the
// tree, and what is not is an answer too.
func FuzzPath(f *testing.F) {
	tree := fsview.New(memlog.Sample("/var/lib/memory"), nil)
	plain, dav := New(tree, Options{}), NewDAV(tree, "/dav", Options{})
	for _, path := range []string{"/", "/README", "/entries/7", "/../etc/passwd", "/snapshots/latest", "//x", "/native/%2e%2e/", "/decoded/11.json", "/a\x00b"} {
		f.Add(path, "GET", "bytes=0-3", "gzip")
		f.Add(path, "PROPFIND", "bytes=1-,-2", `W/"x"`)
	}
	f.Fuzz(func(t *testing.T, path, method, ranges, tag string) {
		for _, h := range []http.Handler{plain, dav} {
			r := request("GET", path, nil, "Range", ranges, "If-None-Match", tag, "Accept-Encoding", tag, "Depth", "1")
			r.Method = method
			got := send(h, r)
			switch {
			case got.aborted:
				t.Error("it is broken off")
			case got.Code >= 500 && !strings.Contains(got.Body.String(), "damaged"):
				t.Errorf("%d: %s", got.Code, got.Body)
			case got.Code < 300 && method != "OPTIONS" && (strings.Contains(path, "//") || strings.Contains("/"+path+"/", "/../")):
				t.Errorf("%q is found", path)
			case got.Code == http.StatusMovedPermanently && !strings.HasPrefix(path, "/"):
				t.Errorf("%q leads to %q", path, got.Header().Get("Location"))
			}
			if got.Code == http.StatusMultiStatus {
				parseMultistatus(t, got)
			}
		}
	})
}

// FuzzPropfind sends any body. It is refused, or the answer is XML.
func FuzzPropfind(f *testing.F) {
	dav := NewDAV(fsview.New(memlog.Sample("/var/lib/memory"), nil), "/dav", Options{})
	for _, body := range []string{"", propfindBody("<allprop/>"), propfindBody("<propname/>"), propfindBody(`<prop><displayname/><x xmlns="&lt;"/></prop>`),
		`<!DOCTYPE a>`, `<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>`, propfindBody("&amp;&x;")} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := send(dav, request("PROPFIND", "/README", body, "Depth", "0"))
		if got.Code != http.StatusMultiStatus && got.Code != http.StatusBadRequest {
			t.Fatalf("got %d: %s", got.Code, got.Body)
		}
		for d := xml.NewDecoder(bytes.NewReader(got.Body.Bytes())); got.Code == http.StatusMultiStatus; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v: %s", err, got.Body)
			}
		}
	})
}
