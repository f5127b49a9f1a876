//go:build linux

package serve

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

// writer is a node that writes the entries of an alpha's log to a directory, by and by.
type writer struct {
	t     *testing.T
	dir   string
	lines [][]byte // as walfs dump prints them
}

func newWriter(t *testing.T) *writer {
	t.Helper()
	w := &writer{t: t, dir: filepath.Join(t.TempDir(), "node")}
	w.lines = bytes.SplitAfter(walfs(t, "dump", "--format", "json", fixture.Dir(t, "alpha")), []byte("\n"))
	walfs(t, "create", "--raft-id", "1", "--group-id", "1", w.dir)
	return w
}

// append writes the next n entries.
func (w *writer) append(n int) {
	w.t.Helper()
	cmd := exec.Command(child.Walfs(w.t), "append", w.dir)
	cmd.Stdin = bytes.NewReader(bytes.Join(w.lines[:n], nil))
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("append: %v\n%s", err, out)
	}
	w.lines = w.lines[n:]
}

// watchChanges takes note, in window.again, of elements that have gone and that others just like
// them have come for: that is what flickers.
const watchChanges = `
	window.again = [];
	new MutationObserver(records => {
		const gone = new Set(records.flatMap(r => [...r.removedNodes]).filter(n => n.nodeType === 1).map(n => n.outerHTML));
		for (const n of records.flatMap(r => [...r.addedNodes])) {
			if (n.nodeType === 1 && gone.has(n.outerHTML)) {
				window.again.push(n.outerHTML.slice(0, 200));
			}
		}
	}).observe(document.querySelector("main"), {childList: true, subtree: true});
	document.querySelectorAll("main :is(h1, h2, section, svg, table, dl, details, summary)").forEach(n => n.seen = true); 0`

// last is a script that gives the last index that an overview shows.
const last = `[...document.querySelectorAll("dt")].find(dt => dt.textContent === "Last")?.nextElementSibling.textContent`

// TestLive: what a node writes is on the page without it being loaded again and without flicker,
// and not while the reader has paused it.
func TestLive(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.append(300)
	s := serve(t, w.dir)
	browser := browse(t)
	b := s.tab(t, browser, "/log/node/")
	b.await(last + ` === "300"`)
	b.await(`document.getElementById("live").className === "live" && !document.querySelector("[data-unfinished]")`)
	eval[int](b, `document.querySelector("details").open = true; document.querySelector("summary").focus(); 0`)
	eval[int](b, watchChanges)
	at := 300
	grow := func(n int) {
		t.Helper()
		w.append(n)
		at += n
	}
	for range 3 {
		grow(5)
		b.await(fmt.Sprintf(`%s === "%d"`, last, at))
	}
	b.want(`document.querySelector("details").open && document.activeElement === document.querySelector("summary")`)
	b.want(`[...document.querySelectorAll("main :is(h1, dl, details, summary)")].every(n => n.seen)`)
	if again := eval[[]string](b, "window.again"); len(again) > 0 {
		t.Errorf("%d elements were replaced by the same: %q", len(again), again[:min(len(again), 5)])
	}
	b.keep("live")

	// A tab in the background takes note of nothing: so there is another browser.
	other := s.tab(t, browse(t), "/log/node/")
	b.press("p")
	b.want(`document.getElementById("live").textContent === "Paused"`)
	b.keep("paused")
	grow(5)
	other.await(fmt.Sprintf(`%s === "%d"`, last, at))
	b.want(fmt.Sprintf(`%s === "%d"`, last, at-5))
	b.press("p")
	b.await(fmt.Sprintf(`%s === "%d"`, last, at))

	// Who is at the end of the table stays there.
	b.open("/log/node/entries")
	b.await(has(1))
	b.press(kb.End)
	b.await(has(at))
	grow(7)
	b.await(has(at))
	b.want(fmt.Sprintf(`document.querySelector('tr[data-index="%d"]').getBoundingClientRect().bottom <= document.getElementById("entries").getBoundingClientRect().bottom + 1`, at))

	// What matches a filter comes behind what was found.
	b.open("/log/node/entries?kind=delta")
	b.await(`document.querySelectorAll("#pages > button").length > 0`)
	found := eval[int](b, `document.querySelectorAll("#entries tbody tr").length`)
	grow(40)
	b.await(fmt.Sprintf(`document.querySelectorAll("#entries tbody tr").length > %d`, found))

	// The server goes away: the page says so, and stays.
	b.open("/log/node/")
	b.await(fmt.Sprintf(`%s === "%d"`, last, at) + ` && document.getElementById("live").className === "live"`)
	b.gone()
	s.Stop()
	b.await(`document.getElementById("live").textContent === "Connection lost"`)
	b.want(fmt.Sprintf(`%s === "%d"`, last, at))
	b.keep("connection-lost")
}
