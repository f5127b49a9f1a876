package main

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// table is what the directory says of the node, a line an entry, and a summary. Where
// transactions start or are decided, the line says how many are pending after it, of
// those that began in entries which were printed.
type table struct {
	out       *bufio.Writer
	on        *terminal.Out // what out writes to, for its width
	system    *walcore.System
	typeWidth int
	decoder   payload.Decoder
	summary   payload.Summary
	totals    totals
	line      []byte
	pending   []byte // the end of the line, which is not cut
	shortened bool   // a line leaves something out
}

func newTable(out *bufio.Writer, on *terminal.Out, m *walcore.Meta, d payload.Decoder) *table {
	fmt.Fprintln(out, on.Cut(metaLine(m)))
	t := &table{out: out, on: on, system: m.System, decoder: d, totals: newTotals(), typeWidth: typeWidth(m.System)}
	fmt.Fprintf(out, "%10s %6s %-*s %8s  %s\n", "INDEX", "TERM", t.typeWidth, "TYPE", "SIZE", "WHAT")
	return t
}

// metaLine is where the checkpoint, the snapshot and the commit index are.
func metaLine(m *walcore.Meta) string {
	snapshot := "unknown"
	if m.Snapshot != nil {
		snapshot = "none"
		if m.Snapshot.Index > 0 {
			snapshot = fmt.Sprintf("%d, term %d", m.Snapshot.Index, m.Snapshot.Term)
		}
	}
	switch m.System.Name {
	case walcore.Etcd:
		return fmt.Sprintf("etcd; snapshot %s; hard state %s", snapshot, hardStateText(m.HardState, m.System))
	case walcore.HashiCorp:
		return fmt.Sprintf("hashicorp; snapshot %s; %s; commit not known", snapshot, stableText(m.Stable))
	}
	return fmt.Sprintf("checkpoint %s; snapshot %s; hard state %s", known(m.CheckpointIndex), snapshot, hardStateText(m.HardState, m.System))
}

func (t *table) print(e *walcore.Entry, data []byte) error {
	_ = t.decoder.Summarize(&t.summary, payload.EntryOf(e, data)) // the decoder has reported it
	t.totals.add(&t.summary, e)
	t.shortened = t.shortened || t.summary.Shortened
	b := rightUint(t.line[:0], e.Index, 10)
	b = append(b, ' ')
	b = rightUint(b, e.Term, 6)
	b = append(b, ' ')
	name, _ := t.system.TypeName(e.Type)
	b = left(b, name.Name, t.typeWidth)
	b = append(b, ' ')
	b = rightUint(b, uint64(e.Size), 8)
	b = append(b, ' ', ' ')
	what := t.summary.Line
	if t.summary.HasKey {
		what = append(what, "; key "...)
		what = strconv.AppendUint(what, t.summary.Key, 10)
	}
	t.pending = t.pending[:0]
	if k := t.summary.Kind; k == payload.KindMutation || k == payload.KindDelta {
		t.pending = append(t.pending, "; "...)
		t.pending = strconv.AppendInt(t.pending, int64(t.totals.pending.Len()), 10)
		t.pending = append(t.pending, " pending"...)
	}
	if t.on.Columns > 0 {
		b = append(b, t.on.CutAfter(len(b)+len(t.pending), string(what))...)
	} else {
		b = append(b, what...)
	}
	t.line = append(append(b, t.pending...), '\n')
	_, err := t.out.Write(t.line)
	return err
}

func (t *table) end(log walcore.Log) error {
	var text bytes.Buffer
	if t.shortened {
		fmt.Fprintln(&text, "\nlines show 10 of a list: walfs dump --format json --decode has all")
	}
	if err := t.totals.write(&text, t.on, log); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(t.out, t.on.Cut(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}

// typeWidth is how wide the column of a system's entry types is. Those that only old
// versions write may be wider.
func typeWidth(s *walcore.System) int {
	width := len("conf_change_v2")
	for _, t := range s.Types {
		if !strings.HasSuffix(t.Name, "_deprecated") {
			width = max(width, len(t.Name))
		}
	}
	return width
}

func rightUint(b []byte, n uint64, width int) []byte {
	var digits [20]byte
	s := strconv.AppendUint(digits[:0], n, 10)
	for range width - len(s) {
		b = append(b, ' ')
	}
	return append(b, s...)
}

func left(b []byte, s string, width int) []byte {
	b = append(b, s...)
	for range width - len(s) {
		b = append(b, ' ')
	}
	return b
}
