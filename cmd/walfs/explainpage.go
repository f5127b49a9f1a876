package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore/explain"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/status"
)

// page is the text of explain: titles, and below them paragraphs and rows.
type page struct {
	*explain.Report
	out    *bufio.Writer
	on     *terminal.Out
	text   []string // the sentences of the paragraph so far
	colour func(string) string
	begun  bool
}

// printExplain prints the page.
func printExplain(on *terminal.Out, r *explain.Report) error {
	p := &page{Report: r, out: bufio.NewWriter(on), on: on, colour: plain}
	for _, s := range []struct {
		title string
		body  func()
	}{
		{"Who this node is", p.who},
		{"What is committed, applied, and in the snapshot", p.standing},
		{"What a restart replays", p.restart},
		{"What holds the log back from being compacted", p.compaction},
		{p.ofDgraph("Pending transactions"), p.pending},
		{"Elections", p.elections},
		{"Behind its group, or parted from it?", p.behind},
		{"What is odd", p.odd},
	} {
		if s.title == "" {
			continue
		}
		p.title(s.title)
		s.body()
		p.end()
	}
	return p.out.Flush()
}

// ofDgraph is the title of what only Dgraph's logs have.
func (p *page) ofDgraph(title string) string {
	if p.isDgraphs() {
		return title
	}
	return ""
}

func (p *page) title(text string) {
	if p.begun {
		fmt.Fprintln(p.out)
	}
	p.begun = true
	fmt.Fprintln(p.out, p.on.Cut(text))
}

// say adds a sentence to the paragraph.
func (p *page) say(format string, args ...any) {
	p.text = append(p.text, fmt.Sprintf(format, args...))
}

// end ends the paragraph. Its lines are as wide as those of check.
func (p *page) end() {
	if len(p.text) == 0 {
		return
	}
	for _, line := range terminal.Wrap(" ", strings.Join(p.text, " "), p.columns()) {
		fmt.Fprintln(p.out, p.colour(line))
	}
	p.text = nil
}

func (p *page) columns() int {
	if c := p.on.Columns; c > 0 {
		return min(c, meaningColumns)
	}
	return meaningColumns
}

// row prints a line below the paragraph, which it ends.
func (p *page) row(format string, args ...any) {
	p.end()
	fmt.Fprintln(p.out, p.on.Cut("    "+fmt.Sprintf(format, args...)))
}

// whyNot is why something is not known.
func (p *page) whyNot(what string) string {
	for _, u := range p.NotKnown {
		if u.What == what {
			return u.Why
		}
	}
	return "the directory does not tell"
}

// isAlpha and isZero report whose entries the log has.
func (p *page) isAlpha() bool { return p.App != nil && *p.App == payload.Alpha.String() }
func (p *page) isZero() bool  { return p.App != nil && *p.App == payload.Zero.String() }

// behindSnapshot says of entries that they are behind the snapshot, if there is one.
func (p *page) behindSnapshot() string {
	if p.Snapshot == nil || p.Snapshot.Index == 0 {
		return ""
	}
	return " behind the snapshot"
}

// num is an index, or another number that is read rather than compared.
func num[N int | int64 | uint64](n N) string { return status.Grouped(uint64(n)) }

// many is a number of things.
func many[N int | int64 | uint64](n N, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return num(n) + " " + more
}

func entries[N int | int64 | uint64](n N) string { return many(n, "entry", "entries") }

// from says which indexes, or which other numbers: "5 to 7", or "5" where they are one.
func from(first, last uint64, number func(uint64) string) string {
	if first == last {
		return number(first)
	}
	return number(first) + " to " + number(last)
}

// theEntries is "the entries 5 to 7", or "entry 5".
func theEntries(first, last uint64) string {
	if first == last {
		return "entry " + num(first)
	}
	return "the entries " + from(first, last, num[uint64])
}

func term(n uint64) string { return fmt.Sprint(n) }

// and lists words: "a, b and c".
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
