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

// table is a line an entry, and a summary. Where transactions start or are
// decided, the line says how many are pending after it, of those that began in
// entries which were printed.
type table struct {
	out     *bufio.Writer
	on      *terminal.Out // what out writes to, for its width
	system  *walcore.System
	decoder payload.Decoder
	summary payload.Summary
	totals  totals
	line    []byte
	pending []byte // the end of the line, which is not cut
}

func newTable(out *bufio.Writer, on *terminal.Out, s *walcore.System, d payload.Decoder) *table {
	fmt.Fprintf(out, "%10s %6s %-14s %8s  %s\n", "INDEX", "TERM", "TYPE", "SIZE", "WHAT")
	return &table{out: out, on: on, system: s, decoder: d, totals: newTotals()}
}

func (t *table) print(e *walcore.Entry, data []byte) error {
	_ = t.decoder.Summarize(&t.summary, payload.EntryOf(e, data)) // the decoder has reported it
	t.totals.add(&t.summary, e)
	b := rightUint(t.line[:0], e.Index, 10)
	b = append(b, ' ')
	b = rightUint(b, e.Term, 6)
	b = append(b, ' ')
	name, _ := t.system.TypeName(e.Type)
	b = left(b, name.Name, 14)
	b = append(b, ' ')
	b = rightUint(b, uint64(e.Size), 8)
	b = append(b, ' ', ' ')
	t.pending = t.pending[:0]
	if k := t.summary.Kind; k == payload.KindMutation || k == payload.KindDelta {
		t.pending = append(t.pending, "; "...)
		t.pending = strconv.AppendInt(t.pending, int64(t.totals.pending.Len()), 10)
		t.pending = append(t.pending, " pending"...)
	}
	if t.on.Columns > 0 {
		b = append(b, t.on.CutAfter(len(b)+len(t.pending), string(t.summary.Line))...)
	} else {
		b = append(b, t.summary.Line...)
	}
	t.line = append(append(b, t.pending...), '\n')
	_, err := t.out.Write(t.line)
	return err
}

func (t *table) end(log walcore.Log) error {
	var text bytes.Buffer
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
