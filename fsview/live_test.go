package fsview

import (
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
)

// TestLookupWhileTreesChange: what a Live has just found is there, though the tree that
// it is from is replaced at the same time.
func TestLookupWhileTreesChange(t *testing.T) {
	tree := func(n int) *Tree {
		entry := memlog.Entry{Term: 1, Index: uint64(n + 1), Data: "x", File: "a"}
		return New(memlog.New("/var/lib/memory", []memlog.Entry{entry}), nil)
	}
	live := NewLive(tree(0))
	folder, err := live.Lookup(Root, "meta")
	fixture.Must(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 5000 {
			live.swap(tree(n + 1))
		}
	}()
	for swapping := true; swapping; {
		select {
		case <-done:
			swapping = false
		default:
		}
		n, err := live.Lookup(folder, "last_index")
		if err == nil {
			_, err = live.Attr(n)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
