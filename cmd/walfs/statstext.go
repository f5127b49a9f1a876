package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore/stats"
)

// printText prints the overview, or the table that was asked for.
func (a *adding) printText(out *terminal.Out) error {
	var b bytes.Buffer
	to := *out
	to.Writer = &b
	p := statsText{adding: a, out: &to}
	if a.what != "" {
		p.table(a.Tables[0])
	} else {
		p.overview()
	}
	_, err := out.Write(b.Bytes())
	return err
}

// statsText writes text to memory, so that its functions need not say what has failed.
type statsText struct {
	*adding
	out *terminal.Out
}

func (p *statsText) overview() {
	p.head()
	for _, t := range p.Tables {
		if rows := t.Rows(); names(rows) || t.By == stats.Kind && len(rows) > 0 {
			fmt.Fprintln(p.out)
			p.table(t)
		}
	}
}

// names reports whether any entry has what a table is by.
func names(rows []stats.Row) bool {
	return slices.ContainsFunc(rows, func(r stats.Row) bool { return !r.Special() })
}

// head says what there is in all.
func (p *statsText) head() {
	var rows terminal.Rows
	t := p.Tables[0]
	if typed := p.filter.String(); typed != "" {
		rows.Add("only", "%s", typed)
	}
	rows.Add("entries", "%s", p.sumText(t.Total))
	dead, live := p.DeadAndLive(t.Total, t.Dead)
	switch {
	case dead == nil:
		rows.Add("dead", "unknown: the snapshot is damaged")
	case *p.Snapshot == 0:
		rows.Add("dead", "none: there is no snapshot")
	default:
		rows.Add("dead", "%s: at or below the snapshot, %d", p.sumText(*dead), *p.Snapshot)
		rows.Add("live", "%s", p.sumText(*live))
	}
	if p.Unreadable > 0 {
		rows.AddWhole(p.out.Problem, "unreadable", "%d: what they say is not known", p.Unreadable)
	}
	p.addOnDisk(&rows)
	_ = rows.Print(p.out) // into memory
}

// addOnDisk says what the log files take of the disk, and what of that is dead. With a
// filter that is not known.
func (p *statsText) addOnDisk(rows *terminal.Rows) {
	files, t := logFiles(p.log), p.Tables[0] // the one by file
	if len(files) == 0 || p.filter.String() != "" {
		return
	}
	var all, dead int64
	deadFiles := 0
	for _, f := range files {
		all += f.Attr.DiskBytes()
	}
	text := fmt.Sprintf("%s, %s", count(len(files), "log file", "log files"), p.out.Bytes(uint64(all)))
	for _, r := range t.Rows() {
		if allDead(&r) {
			deadFiles++
			dead += r.DiskBytes
		}
	}
	if deadFiles > 0 {
		text += fmt.Sprintf("; %d of them all dead, %s", deadFiles, p.out.Bytes(uint64(dead)))
	}
	rows.Add("on disk", "%s", text)
}

func allDead(r *stats.Row) bool { return r.Entries > 0 && r.Dead.Entries == r.Entries }

func (p *statsText) sumText(s stats.Sum) string {
	return fmt.Sprintf("%d, %s", s.Entries, p.out.Bytes(uint64(s.Bytes)))
}

// table prints a table, and what has to be known about it.
func (p *statsText) table(t *stats.Table) {
	rows, left := t.Top(p.top)
	g := grid{heads: heads(t.By)}
	most := int64(1)
	for _, r := range rows {
		most = max(most, r.Bytes)
	}
	for _, r := range rows {
		g.add(float64(r.Bytes)/float64(most), p.cells(t, &r)...)
	}
	if p.what != "" {
		all := stats.Row{Sum: t.Total, Dead: t.Dead}
		for _, r := range t.Rows() {
			all.Edges, all.Deletes, all.DiskBytes = all.Edges+r.Edges, all.Deletes+r.Deletes, all.DiskBytes+r.DiskBytes
		}
		cells := p.cells(t, &all)
		cells[0] = "(all)"
		g.add(0, cells...)
	}
	g.print(p.out)
	p.note(p.leftOff(t, left))
	p.note(about(t))
}

func heads(by stats.By) []string {
	name := strings.ToUpper(string(by))
	switch by {
	case stats.Predicate:
		return []string{name, "ENTRIES", "EDGES", "DELETES", "BYTES", "SHARE"}
	case stats.File:
		return []string{name, "ENTRIES", "BYTES", "DEAD", "LIVE", "ON DISK", "SHARE"}
	}
	return []string{name, "ENTRIES", "BYTES", "SHARE"}
}

// cells are those of a row below heads.
func (p *statsText) cells(t *stats.Table, r *stats.Row) []string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	cells := []string{p.name(t.By, r), number(r.Entries)}
	if t.By == stats.Predicate {
		cells = append(cells, number(r.Edges), number(r.Deletes))
	}
	cells = append(cells, p.bytes(r.Bytes))
	if t.By == stats.File {
		dead, live := "unknown", "unknown"
		if d, l := p.DeadAndLive(r.Sum, r.Dead); d != nil {
			dead, live = p.bytes(d.Bytes), p.bytes(l.Bytes)
		}
		if allDead(r) {
			live = "all dead"
		}
		cells = append(cells, dead, live, p.bytes(r.DiskBytes))
	}
	return append(cells, share(r.Bytes, t.Total.Bytes))
}

// name is the name of a row as people are shown it. In quotes is a value that looks like
// the name of a row for none.
func (p *statsText) name(by stats.By, r *stats.Row) string {
	switch {
	case r.Special():
		return r.Name
	case strings.HasPrefix(r.Name, "("):
		return strconv.Quote(r.Name)
	case by == stats.Size && p.out.Columns > 0:
		if first, last := r.Sizes(); first >= 1024 {
			return terminal.Rounded(first) + " - " + terminal.Rounded(last)
		}
	}
	return quoted(r.Name)
}

// bytes is a number of bytes in a column that says so.
func (p *statsText) bytes(n int64) string {
	if p.out.Columns > 0 {
		return terminal.Rounded(uint64(n))
	}
	return strconv.FormatInt(n, 10)
}

func share(part, all int64) string {
	if all == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(all))
}

// leftOff says how to see the rows that are not shown.
func (p *statsText) leftOff(t *stats.Table, n int) string {
	switch {
	case n == 0:
		return ""
	case p.what != "":
		return fmt.Sprintf("(%d more: --top 0 shows all)", n)
	}
	return fmt.Sprintf("(%d more: --by %s shows all)", n, t.By)
}

// about says what has to be known about the figures of a table.
func about(t *stats.Table) string {
	switch t.By {
	case stats.Predicate:
		return "Bytes are those of the encoded edges, and an entry counts for each of its predicates: the rows do not add up to all."
	case stats.Namespace:
		return "An entry counts for each of its namespaces: the rows do not add up to all."
	case stats.Hour:
		return hoursText(t)
	}
	return ""
}

func (p *statsText) note(text string) {
	if text == "" {
		return
	}
	for _, line := range p.out.Lines(0, text) {
		_, _ = io.WriteString(p.out, line+"\n") // into memory
	}
}

// hoursText says what the hours of a table are those of.
func hoursText(t *stats.Table) string {
	const ofFile = "when its log file was created, or where that was copied since, last written."
	switch {
	case t.Total.Entries == 0:
		return ""
	case t.Timed == t.Total.Entries:
		return "The hour is that of the time stored with an entry."
	case t.Timed == 0:
		return "No time is stored with an entry: the hour is " + ofFile
	}
	return "The hour is that of the time stored with an entry; where there is none, " + ofFile
}
