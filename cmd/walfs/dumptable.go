package main

import (
	"bufio"
	"fmt"
	"strconv"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// table is a line an entry, and a summary. Where transactions start or are
// decided, the line says how many are pending after it, of those that began in
// entries which were printed.
type table struct {
	out     *bufio.Writer
	system  *walcore.System
	decoder payload.Decoder
	summary payload.Summary
	totals  totals
	line    []byte
}

func newTable(out *bufio.Writer, s *walcore.System, d payload.Decoder) *table {
	fmt.Fprintf(out, "%10s %6s %-14s %8s  %s\n", "INDEX", "TERM", "TYPE", "SIZE", "WHAT")
	return &table{out: out, system: s, decoder: d, totals: newTotals()}
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
	b = append(b, t.summary.Line...)
	if k := t.summary.Kind; k == payload.KindMutation || k == payload.KindDelta {
		b = append(b, "; "...)
		b = strconv.AppendInt(b, int64(t.totals.undecided()), 10)
		b = append(b, " pending"...)
	}
	t.line = append(b, '\n')
	_, err := t.out.Write(t.line)
	return err
}

func (t *table) end(log walcore.Log) error { return t.totals.write(t.out, log) }

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
