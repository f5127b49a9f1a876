package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/check"
	"github.com/walfs/walfs/walcore/format"
)

// TestCheckOfGarbage: a log file in which every second slot is wrong, and one full of
// garbage, are told of in a few lines.
func TestCheckOfGarbage(t *testing.T) {
	garbage := func(table []byte) {
		for i := range table {
			table[i] = byte(i*i>>3 ^ i)
		}
	}
	everySecond := func(table []byte) {
		for at := 0; at < len(table); at += 2 * format.SlotSize {
			clear(table[at+int(fixture.Offset):][:8])
		}
	}
	for want, spoil := range map[string]func([]byte){"up to 29999\n": garbage, "  and 485 more like it in 00001.wal, up to slot 974\n": everySecond} {
		dir := fixture.Dir(t, "alpha")
		f := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
		table := f.Read(0, format.SlotTableSize)
		spoil(table)
		f.Write(0, table)
		r := walfs(t, "check", dir)
		if n := strings.Count(r.stdout, "\n"); r.code != exitDamage || n > 40 || !strings.Contains(r.stdout, want) {
			t.Errorf("exit code %d, %d lines:\n%.4000s", r.code, n, r.stdout)
		}
	}
}

// TestPrintCheck: what means the same is put together, and what does not is not.
func TestPrintCheck(t *testing.T) {
	report := &check.Report{Verdict: "the verdict"}
	add := func(list *[]check.Finding, file string, slot int, kind walcore.Kind, node string) {
		*list = append(*list, check.Finding{Problem: walcore.SlotProblem(file, slot, kind, "is wrong"), Node: node, Repair: "repairs"})
	}
	for slot := range 5 {
		add(&report.Problems, "1.wal", slot, walcore.KindLength, "stops")
	}
	add(&report.Problems, "1.wal", 7, walcore.KindLength, "goes on")
	add(&report.Problems, "2.wal", 8, walcore.KindLength, "stops "+strings.Repeat("and stops ", 9))
	for i := range 12 {
		add(&report.Notes, fmt.Sprint("name", i), -1, walcore.KindIgnored, "ignores it")
	}
	var out bytes.Buffer
	fixture.Must(t, printCheck(terminal.To(&out, false), report))
	const want = `1.wal slot 0: length: is wrong
1.wal slot 1: length: is wrong
1.wal slot 2: length: is wrong
  and 2 more like it in 1.wal, up to slot 4
  node    stops
  repair  repairs

1.wal slot 7: length: is wrong
  node    goes on
  repair  repairs

2.wal slot 8: length: is wrong
  node    stops and stops and stops and stops and stops and stops and stops and stops and stops
          and stops
  repair  repairs

note: name0, name1, name2, name3, name4, name5, name6, name7, name8, name9, and 2 more: ignored: is wrong
  node    ignores it

the verdict
`
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
}

// TestCheckMemory: it does not grow with the payloads. What was read of an entry may be
// garbage by the time of the measurement: the heap is measured while check runs.
func TestCheckMemory(t *testing.T) {
	most := func(entries, size int) int {
		dir := filepath.Join(t.TempDir(), "w")
		err := nativelog.Write(dir, nativelog.Meta{Term: 1, Commit: uint64(entries)}, func(yield func(nativelog.Entry) bool) {
			data := make([]byte, size)
			for i := range entries {
				if !yield(nativelog.Entry{Term: 1, Index: uint64(i + 1), Data: data}) {
					return
				}
			}
		})
		fixture.Must(t, err)
		var read readFlags
		log, err := read.open(dir)
		fixture.Must(t, err)
		meter := &heapMeter{every: 1}
		_, err = check.Run(t.Context(), log, check.Options{Progress: func(int64, int64) { meter.measure() }})
		fixture.Must(t, err)
		return meter.most
	}
	few, many := most(40, 1<<20), most(fixture.Size(120, 600), 1<<20)
	t.Logf("%d bytes for few entries, %d for many", few, many)
	if many > few+8<<20 {
		t.Errorf("%d bytes in use for many entries, %d for few", many, few)
	}
}
