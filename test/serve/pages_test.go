//go:build linux

package serve

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// axe is what finds what keeps people from using a page.
func axe(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("axe is not installed: npm ci --prefix test/serve")
	}
	return string(script)
}

// violation is what axe has found.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML string }
}

const runAxe = `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v =>
	({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.slice(0, 3).map(n => ({html: n.html}))})))`

// pages are what there is to see of a directory.
var pages = []string{"/log/NAME/", "/log/NAME/entries", "/log/NAME/entries?grep=a&to=40", "/log/NAME/entry/INDEX", "/log/NAME/transactions", "/log/NAME/members"}

// TestPages: every page of every sort of directory is usable, in light and dark, in a narrow
// window and a wide one, and axe finds nothing serious.
func TestPages(t *testing.T) {
	t.Parallel()
	script, dirs := axe(t), directories(t)
	s := serve(t, dirs...)
	paths := []string{"/", "/diff?a=alpha&a=damaged"}
	for i, dir := range dirs {
		name := filepath.Base(dir)
		pages := pages
		if i > 0 && !fixture.Full() { // the first one's are all of them
			pages = pages[i%2 : i%2+1]
		}
		names := strings.NewReplacer("NAME", name, "INDEX", fmt.Sprint(s.firstIndex(t, name)+1))
		for _, page := range pages {
			paths = append(paths, names.Replace(page))
		}
	}
	bad := fmt.Sprintf("/log/damaged/entry/%d", fixture.ReadManifest(t, "alpha").Entries[damagedSlot].Index)
	paths = append(paths, bad, "/log/nobody/")
	b := s.tab(t, browse(t), "/")
	for _, path := range paths {
		if path == bad || path == "/log/nobody/" || strings.HasPrefix(path, "/log/sealed128/entr") {
			b.mayFail(path)
		}
		for _, dark := range []bool{false, true} {
			if dark && !fixture.Full() && strings.HasPrefix(path, "/log/") && !strings.HasPrefix(path, "/log/alpha/") {
				continue
			}
			b.dark(dark)
			b.open(path)
			for _, width := range []int64{1600, 1000, 400} {
				b.size(width, 1000)
				if over := eval[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
					t.Errorf("%s is %d pixels wider than a window of %d", path, over, width)
				}
				b.keep(picture(path, width, dark))
			}
			b.want(`document.querySelectorAll("h1").length === 1 && document.querySelector("main") && document.documentElement.lang`)
			eval[int](b, script+";0")
			for _, v := range eval[[]violation](b, runAxe) {
				if v.Impact == "serious" || v.Impact == "critical" {
					t.Errorf("%s, dark %t: %+v", path, dark, v)
				} else {
					t.Logf("%s, dark %t: %+v", path, dark, v)
				}
			}
		}
	}
}

// picture is a file's name for a page.
func picture(path string, width int64, dark bool) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune("/?&=", r) {
			return '-'
		}
		return r
	}, path), "-")
	if dark {
		name += "-dark"
	}
	return fmt.Sprintf("%s-%d", name, width)
}
