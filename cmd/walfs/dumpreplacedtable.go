package main

import (
	"bufio"
	"fmt"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// replacedTable is a line for each replaced entry, with where it was. It has no summary:
// what is left is a part of what was replaced.
type replacedTable struct {
	out     *bufio.Writer
	on      *terminal.Out // what out writes to, for its width
	system  *walcore.System
	decoder payload.Decoder
	summary payload.Summary
	headed  bool

	fileWidth int
}

func newReplacedTable(out *bufio.Writer, on *terminal.Out, s *walcore.System, d payload.Decoder) *replacedTable {
	return &replacedTable{out: out, on: on, system: s, decoder: d}
}

// place begins a line: what an entry is, and where.
func (t *replacedTable) place(index, term, typ, size, file, offset string) string {
	// Numbers of log files grow: the column is as wide as the first name.
	t.fileWidth = max(t.fileWidth, len("00001.wal"), len(file))
	return fmt.Sprintf("%10s %6s %-*s %8s %-*s %10s  ", index, term, typeWidth(t.system), typ, size, t.fileWidth, file, offset)
}

func (t *replacedTable) print(e *walcore.Entry, data []byte) error {
	if !t.headed {
		t.fileWidth = len(e.File.Name)
		fmt.Fprintln(t.out, t.place("INDEX", "TERM", "TYPE", "SIZE", "FILE", "OFFSET")+"WHAT")
		t.headed = true
	}
	_ = t.decoder.Summarize(&t.summary, payload.EntryOf(e, data)) // the decoder has reported it
	name, _ := t.system.TypeName(e.Type)
	line := t.place(orUnknown(e.Index), orUnknown(e.Term), name.Name, fmt.Sprint(e.Size), e.File.Name, fmt.Sprint(e.Offset))
	_, err := fmt.Fprintln(t.out, t.on.Cut(line+string(t.summary.Line)))
	return err
}

func (t *replacedTable) end(walcore.Log) error { return nil }

// orUnknown is an index or a term, which is not known if it is 0.
func orUnknown(n uint64) string {
	if n == 0 {
		return "?"
	}
	return fmt.Sprint(n)
}
