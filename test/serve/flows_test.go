//go:build linux

package serve

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/walfs/walfs/test/fixture"
)

// has is a script that tells whether a row of the entries is there and filled, on a page whose own
// scripts have made a table that scrolls of it, or a list that grows.
func has(index int) string {
	return fmt.Sprintf(`document.querySelector('#entries:is(.virtual, :has(+ #pages > button)) tr[data-index="%d"] td.c-kind')?.textContent`, index)
}

// firstPage is how many bytes the first page of a log of a million entries may have, with all
// that it needs.
const firstPage = 300_000

// TestMillion: a person finds any entry among a million.
func TestMillion(t *testing.T) {
	t.Parallel()
	s, browser := serve(t, large(t)), browse(t)
	t.Run("scroll", func(t *testing.T) { testScroll(t, s, browser) })
	t.Run("find", func(t *testing.T) { testFind(t, s, browser) })
}

// testScroll: by keys, by scrolling and by its index; and each view has an address that shows the
// same again.
func testScroll(t *testing.T, s *server, browser context.Context) {
	b := s.tab(t, browser, "/")
	b.await(`document.querySelector("h1")?.textContent === "large"`)
	b.want(`document.body.innerText.includes("1,000,000")`)
	if n := b.bytes(); n > firstPage {
		t.Errorf("the first page has %d bytes", n)
	}
	b.keep("large")

	b.press("g", "e")
	b.await(has(1))
	b.press(kb.End)
	b.await(has(million))
	b.await(`location.search.startsWith("?from=9999")`)
	b.press(kb.Home)
	b.await(has(1))
	b.press("j", "j", kb.ArrowDown, "k")
	b.want(`document.querySelector("#entries tr.active").dataset.index === "3"`)
	b.press(kb.PageDown, kb.PageUp, kb.Enter)
	b.await(`location.pathname === "/log/large/entry/3"`)
	b.back(-1)
	b.await(`location.pathname === "/log/large/entries" && ` + has(3))
	b.back(1)
	b.await(`document.querySelector("h1")?.textContent === "Entry 3"`)
	b.press("]")
	b.await(`document.querySelector("h1")?.textContent === "Entry 4"`)
	b.press("[")
	b.await(`document.querySelector("h1")?.textContent === "Entry 3"`)

	b.open("/log/large/entries")
	b.await(has(1))
	eval[int](b, `document.getElementById("jump").focus(); 0`)
	b.press("6", "5", "4", "3", "2", "1", kb.Enter)
	b.await(has(654321) + ` && document.querySelector("#entries tr.active")?.dataset.index === "654321"`)
	b.await(`new URLSearchParams(location.search).get("from") > 654000`)
	b.keep("large-jump")
	other := s.tab(t, browser, b.path())
	other.await(has(654321))
	other.close()

	// Smoothly, and by dragging the scroll bar: each row that is seen is the next one's neighbour.
	for range 20 {
		eval[int](b, `document.getElementById("entries").scrollBy(0, 300); new Promise(done => requestAnimationFrame(() => done(0)))`)
	}
	for _, part := range []float64{0.9, 0.1, 0.5, 0.501, 0} {
		eval[int](b, fmt.Sprintf(`{const e = document.getElementById("entries"); e.scrollTop = %g * (e.scrollHeight - e.clientHeight)}; 0`, part))
		b.await(fmt.Sprintf(`Math.abs(document.querySelector("#entries tbody tr").dataset.index / %d - %g) < 0.01`, million, part))
		b.await(`[...document.querySelectorAll("#entries tbody tr")].every(tr => tr.querySelector("td.c-kind")?.textContent)`)
		rows := eval[[]int](b, `[...document.querySelectorAll("#entries tbody tr")].map(tr => Number(tr.dataset.index))`)
		if len(rows) < 20 || len(rows) > 200 {
			t.Errorf("at %g: %d rows are in the page", part, len(rows))
		}
		for i, index := range rows {
			if index != rows[0]+i {
				t.Fatalf("at %g: rows %v", part, rows)
			}
		}
	}
}

// testFind: by what it says. It is shown as soon as it is found, and the search goes on.
func testFind(t *testing.T, s *server, browser context.Context) {
	b := s.tab(t, browser, "/log/large/entries?predicate=rare")
	b.await(has(rare1))
	b.keep("large-first-hit")
	if !eval[bool](b, has(rare2)+" === undefined") {
		t.Error("the first hit was not shown before the second one was found")
	}
	b.await(has(rare2))
	b.await(`document.getElementById("found").textContent === "Scanned to 1,000,000, the end; 2 found"`)
	b.want(`document.getElementById("stop").hidden && document.querySelectorAll("#entries tbody tr").length === 2`)
	b.keep("large-found")

	for filter, want := range map[string]int{"kind=empty": empty, "grep=0-rare&from=700000": rare2} {
		b.open("/log/large/entries?" + filter)
		b.await(has(want))
		b.await(`document.getElementById("found").textContent === "Scanned to 1,000,000, the end; 1 found"`)
	}

	// From the keyboard, through the form.
	b.open("/log/large/entries?from=777000")
	b.await(has(777000))
	b.press("/")
	b.want(`document.activeElement.name === "grep"`)
	b.press("r", "a", "r", "e", kb.Enter)
	b.await(`location.search.includes("grep=rare")`)
	b.await(has(rare2))
	b.press("j", kb.Enter)
	b.await(`location.pathname.startsWith("/log/large/entry/")`)
	b.await(`document.querySelector(".json")?.innerText.includes("rare")`)
	b.want(`document.querySelectorAll(".hex .codes").length > 0`)
	b.keep("large-entry")
}

// TestReplicas: two logs that part are on one ruler, and the entries where they do are one click
// away.
func TestReplicas(t *testing.T) {
	t.Parallel()
	dirs := parted(t)
	s := serve(t, dirs...)
	b := s.tab(t, browse(t), "/")
	b.want(`document.querySelectorAll(".lanes svg").length >= 2`)
	b.await(fmt.Sprintf(`document.body.innerText.includes("The logs part at index %d")`, partAt))
	b.keep("parted")
	eval[int](b, `[...document.querySelectorAll("a")].find(a => a.textContent === "The entries there").click(); 0`)
	b.await(fmt.Sprintf(`document.body.innerText.includes("Entries at index %d")`, partAt))
	b.want(`document.querySelectorAll(".side").length === 2 && document.querySelectorAll(".side mark").length > 0`)
	b.keep("parted-entries")
	eval[int](b, `document.querySelector(".brand").click(); 0`)
	b.await(`location.pathname === "/"`)
	b.back(-1)
	b.await(fmt.Sprintf(`document.body.innerText.includes("Entries at index %d")`, partAt))
}

// TestHostile: nothing of what a log holds is run, or is an element of a page.
func TestHostile(t *testing.T) {
	t.Parallel()
	s := serve(t, hostile(t), fixture.Dir(t, "alpha"))
	b := s.tab(t, browse(t), "/")
	name := eval[string](b, `document.querySelector('.switcher a').textContent`)
	log := "/log/" + name + "/"
	paths := []string{"/", log, log + "entries", log + "entries?grep=script", log + "transactions", log + "members", "/diff?a=" + name + "&a=alpha"}
	for i := range nasty {
		for at := range fixture.Size(1, 4) {
			paths = append(paths, fmt.Sprintf("%sentry/%d", log, 4*i+1+(i+at)%4))
		}
	}
	for _, path := range paths {
		b.open(path)
		b.await(`document.querySelector("h1")`)
		b.want(`window.hacked === undefined`)
		b.want(`document.querySelectorAll("img, iframe, object, embed, style, base, [onerror], [onload], [onmouseover]").length === 0`)
		b.want(`[...document.scripts].every(s => s.src.startsWith(location.origin + "/static/") && s.text === "")`)
		b.want(`[...document.links].every(a => a.protocol === "http:")`)
	}
	b.open(log + "entries")
	b.await(has(5))
	b.want(`document.querySelector("#entries").innerText.includes("<script>window.hacked=1</script>")`)
	b.keep("hostile-entries")
	b.open(log + "members")
	b.want(`document.querySelector("main").innerText.includes("<script>window.hacked=1</script>")`)
	b.keep("hostile-members")
	b.open(log)
	b.await(`document.querySelector("main").innerText.includes("<script>window.hacked=1</script>")`)
	b.keep("hostile")
}
