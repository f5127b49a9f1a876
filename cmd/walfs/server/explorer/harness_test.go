package explorer

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
	"golang.org/x/net/html"
)

// site is a server of pages in a test.
type site struct {
	t   *testing.T
	set *replica.Set
	url string

	pages *explorer
}

// newSite serves fixtures, each under its own name.
func newSite(t *testing.T, names ...string) *site {
	t.Helper()
	dirs := make([]string, len(names))
	for i, name := range names {
		dirs[i] = fixture.Dir(t, name)
	}
	return newSiteOf(t, dirs...)
}

// newSiteOf serves directories.
func newSiteOf(t *testing.T, dirs ...string) *site {
	t.Helper()
	var list []replica.Directory
	for _, dir := range dirs {
		log, err := detect.Open(dir, detect.Options{})
		fixture.Must(t, err)
		t.Cleanup(func() { log.Close() })
		list = append(list, directory(dir, log))
	}
	return serve(t, list...)
}

func directory(dir string, log walcore.Log) replica.Directory {
	return replica.Directory{Path: dir, Live: fsview.NewLive(fsview.New(log, nil))}
}

func serve(t *testing.T, dirs ...replica.Directory) *site {
	set := replica.NewSet(dirs...)
	pages := newExplorer(t.Context(), set)
	server := httptest.NewServer(pages.handler())
	t.Cleanup(server.Close)
	return &site{t, set, server.URL, pages}
}

// get asks for an address and wants a code; the answer's body is text. All pages are checked
// for what holds for every page.
func (s *site) get(path string, code int) string {
	s.t.Helper()
	answer, err := http.Get(s.url + path)
	fixture.Must(s.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	fixture.Must(s.t, err)
	if answer.StatusCode != code {
		s.t.Fatalf("%s: %s, want %d\n%s", path, answer.Status, code, body)
	}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		checkPage(s.t, path, string(body))
	}
	return string(body)
}

// checkPage holds a page to the rules: what its policy forbids is not in it, and what people
// need who do not see it is.
func checkPage(t *testing.T, path, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	fixture.Must(t, err)
	ids, labels, headings := map[string]bool{}, map[string]bool{}, 0
	var fields []map[string]string
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		attrs := map[string]string{}
		for _, a := range n.Attr {
			attrs[a.Key] = a.Val
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(strings.TrimSpace(a.Val), "javascript:") {
				t.Errorf("%s: <%s %s=%q>", path, n.Data, a.Key, a.Val)
			}
			if a.Val == "#ZgotmplZ" || strings.Contains(a.Val, "ZgotmplZ") {
				t.Errorf("%s: <%s %s> was refused by html/template", path, n.Data, a.Key)
			}
		}
		if id := attrs["id"]; id != "" {
			if ids[id] {
				t.Errorf("%s: two elements have the id %q", path, id)
			}
			ids[id] = true
		}
		if _, live := attrs["data-live"]; live && attrs["id"] == "" {
			t.Errorf("%s: <%s data-live> has no id", path, n.Data)
		}
		switch n.Data {
		case "script":
			if n.FirstChild != nil || !strings.HasPrefix(attrs["src"], "/static/") {
				t.Errorf("%s: a script that is not in static/", path)
			}
		case "style":
			t.Errorf("%s: a style in the page", path)
		case "h1":
			headings++
		case "label":
			labels[attrs["for"]] = true
		case "input", "select", "textarea":
			if attrs["type"] != "hidden" && attrs["aria-label"] == "" && !inside(n, "label") {
				fields = append(fields, attrs)
			}
		case "svg":
			if attrs["aria-hidden"] != "true" && (attrs["role"] != "img" || attrs["aria-label"] == "" && attrs["aria-labelledby"] == "") {
				t.Errorf("%s: an SVG that has no name", path)
			}
		}
	}
	for _, f := range fields {
		if !labels[f["id"]] {
			t.Errorf("%s: a field without a label: %v", path, f)
		}
	}
	if headings != 1 {
		t.Errorf("%s has %d h1", path, headings)
	}
}

func inside(n *html.Node, name string) bool {
	for p := range n.Ancestors() {
		if p.Data == name {
			return true
		}
	}
	return false
}

// staticNames are the files in static/ that a page names.
var staticNames = regexp.MustCompile(`"(/static/[^"]+)"`)

// TestStatic: what a page names is there, and can be kept for ever.
func TestStatic(t *testing.T) {
	s := newSite(t, "zero")
	names := staticNames.FindAllStringSubmatch(s.get("/log/zero/", 200), -1)
	if len(names) < 4 {
		t.Errorf("only %v", names)
	}
	for _, name := range names {
		answer, err := http.Get(s.url + name[1])
		fixture.Must(t, err)
		answer.Body.Close()
		if answer.StatusCode != 200 || !strings.Contains(answer.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %s %v", name[1], answer.Status, answer.Header)
		}
	}
	s.get("/static/0000000000000000/style.css", 404)
	s.get(static("none.css"), 404)
	s.get(static(".."), 404)
}

// TestNotFound: the page of what is not there helps.
func TestNotFound(t *testing.T) {
	s := newSite(t, "zero")
	for _, path := range []string{"/nothing", "/log/", "/log/other/", "/log/zero/nothing", "/log/%3Cscript%3Ealert(1)%3C%2Fscript%3E/"} {
		if page := s.get(path, 404); !strings.Contains(page, `<a href="/">`) || strings.Contains(page, "<script>") {
			t.Errorf("%s:\n%s", path, page)
		}
	}
	if filepath.Base(s.set.Replicas[0].Dir) != "zero" {
		t.Error(s.set.Replicas[0].Dir)
	}
}
