package fsview

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"testing"

	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
)

// TestEntryNodes: entries of one index have nodes of their own when their terms are near
// each other, whatever log files they are in, or when they are in one file.
func TestEntryNodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const near = 1 << termBits
	for range 10_000 {
		before, after := &walcore.File{Identity: rng.Uint64()}, &walcore.File{Identity: rng.Uint64()}
		term, index := 1+rng.Uint64N(maxNumber-near), 1+rng.Uint64N(maxNumber)
		n := entryNode(kindEntry, term, index, before)
		if got, ok := n.Index(); !ok || got != index {
			t.Fatalf("node %#x of index %d: %d", uint64(n), index, got)
		}
		later := 1 + rng.Uint64N(near-1)
		for _, in := range []*walcore.File{before, after} {
			if entryNode(kindEntry, term+later, index, in) == n {
				t.Fatalf("index %d, terms %d and %d, files %#x and %#x: one node", index, term, term+later, before.Identity, in.Identity)
			}
		}
		if entryNode(kindEntry, term+near, index, before) == n {
			t.Fatalf("index %d, terms %d and %d, one file: one node", index, term, term+near)
		}
	}
}

// TestReplacedWithOneNode: of two replaced entries that have one node, neither has the
// other's bytes.
func TestReplacedWithOneNode(t *testing.T) {
	entry := func(term uint64) memlog.Entry {
		return memlog.Entry{Term: term, Index: 7, Data: fmt.Sprint("of term ", term), File: "a", Replaced: true}
	}
	in := memlog.New("/var/lib/memory", []memlog.Entry{entry(1)}).Files()[0]
	other := uint64(1 + 1<<termBits)
	for entryNode(kindReplaced, other, 7, in) != entryNode(kindReplaced, 1, 7, in) {
		other += 1 << termBits
	}
	tree := New(memlog.New("/var/lib/memory", []memlog.Entry{entry(1), entry(other), entry(2)}), nil)
	for _, term := range []uint64{1, other} {
		path := "replaced/" + pairName(7, term)
		if data, err := fs.ReadFile(tree, path); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %q, %v", path, data, err)
		}
	}
	if data, err := fs.ReadFile(tree, "replaced/"+pairName(7, 2)); string(data) != "of term 2" {
		t.Errorf("%q, %v", data, err)
	}
}
