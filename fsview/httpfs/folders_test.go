package httpfs

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// TestFolders: the folder above trees lists them, and has nothing else.
func TestFolders(t *testing.T) {
	view := Folders([]string{"node1-w", "a b"})
	for _, test := range []struct {
		method, path string
		dav          bool
		want         int
		holds        []string
	}{
		{"GET", "/", false, 200, []string{`<a href="node1-w/">node1-w/</a>`, `<a href="a%20b/">a b/</a>`}},
		{"GET", "/x", false, 404, nil},
		{"GET", "/node1-w", false, 404, nil}, // another handler has it
		{"PROPFIND", "/", true, 207, []string{"<D:href>/dav/</D:href>", "<D:href>/dav/node1-w/</D:href>", "<D:href>/dav/a%20b/</D:href>"}},
		{"PUT", "/x", true, 403, nil},
	} {
		r := httptest.NewRequest(test.method, test.path, nil)
		r.Header.Set("Depth", "1")
		w := httptest.NewRecorder()
		if test.dav {
			NewDAV(view, "/dav", Options{}).ServeHTTP(w, r)
		} else {
			New(view, Options{}).ServeHTTP(w, r)
		}
		if w.Code != test.want {
			t.Errorf("%s %s: %d %s", test.method, test.path, w.Code, w.Body)
		}
		for _, text := range test.holds {
			if !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s %s: no %s in %s", test.method, test.path, text, w.Body)
			}
		}
	}
}
