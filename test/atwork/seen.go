//go:build linux

// Package atwork reads a node's directory in all ways while the node works, for the tests that
// kill nodes: test/etcd and test/hashicorp. It remembers what walfs has given.
package atwork

import (
	"crypto/sha256"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// Entry is what is compared of an entry.
type Entry struct {
	Index, Term uint64
	Type        string            // as walfs dump has it; "": what was read does not tell
	Sum         [sha256.Size]byte // of its data
}

// Seen is all the entries that walfs has given in any way while nodes were at work. Within a
// term an index has one entry, whenever and wherever it is read.
type Seen map[key]*Entry

type key struct{ index, term uint64 }

// Add notes an entry.
func (s Seen) Add(t *testing.T, how string, e Entry) {
	t.Helper()
	before := s[key{e.Index, e.Term}]
	switch {
	case before == nil:
		s[key{e.Index, e.Term}] = &e
		return
	case before.Type == "":
		before.Type = e.Type
	case e.Type == "":
		e.Type = before.Type
	}
	if *before != e {
		t.Fatalf("%s gives %+v, it was %+v before", how, e, *before)
	}
}

// Check compares with what the system's own code reads. Nothing of a node that was killed is
// lost: what was seen of its files must be among it.
func (s Seen) Check(t *testing.T, logs ...[]Entry) {
	t.Helper()
	real := map[key]Entry{}
	for _, log := range logs {
		for _, e := range log {
			real[key{e.Index, e.Term}] = e
		}
	}
	for k, e := range s {
		want, ok := real[k]
		if e.Type == "" {
			want.Type = ""
		}
		if !ok || *e != want {
			t.Fatalf("walfs gave %+v, the system's own code reads %+v", *e, want)
		}
	}
}

// Same fails unless two lists have the same entries.
func Same(t *testing.T, how string, got, want []Entry) {
	t.Helper()
	for k := range min(len(got), len(want)) {
		if got[k] != want[k] {
			t.Fatalf("%s: entry %+v, want %+v", how, got[k], want[k])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d entries, want %d", how, len(got), len(want))
	}
}

// Untouched fails if read changes anything in the folders: not even an access time may change.
func Untouched(t *testing.T, folders []string, read func()) {
	t.Helper()
	state := func() (lines []string) {
		for _, folder := range folders {
			lines = append(lines, fixture.State(t, folder))
		}
		return lines
	}
	for _, folder := range folders {
		fixture.Age(t, folder)
	}
	before := state()
	read()
	for k, after := range state() {
		if after != before[k] {
			t.Errorf("before it was read:\n%safterwards:\n%s", before[k], after)
		}
	}
}
