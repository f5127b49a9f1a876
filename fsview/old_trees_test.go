//go:build unix

package fsview

import (
	"context"
	"path/filepath"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/dgraph"
)

// TestOldTreesAreFreed: nothing keeps a tree or a reader in memory after the next one,
// though somebody still has files of it open.
func TestOldTreesAreFreed(t *testing.T) {
	fixture.OneSize(t)
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 50})
	defer w.Close()
	w.Append(100)
	r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	live := NewLive(New(r, nil))
	r = nil
	var trees []weak.Pointer[Tree]
	var readers []weak.Pointer[dgraph.Reader]
	var open []Node
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute) // a Follow that hangs
	defer cancel()
	const wantTrees = 20
	w.Append(1)
	live.Follow(ctx, func(_, after *Tree, second bool) {
		if !second {
			trees = append(trees, weak.Make(after))
			readers = append(readers, weak.Make(after.log.(*dgraph.Reader)))
			return
		}
		for _, path := range []string{"entries/80", "decoded/80.json", "status.json", "meta/last_index", "snapshots/latest/data",
			"jsonl/00002.wal.jsonl"} {
			if n, a, err := after.walk("test", path, true); err == nil {
				live.ReadAt(n, make([]byte, a.Size), 0)
				open = append(open, n)
			}
		}
		switch len(trees) % 4 {
		case 0:
			w.Rewind(70)
			w.Append(60)
		case 1:
			w.CommitTo(69)
			w.Checkpoint(uint64(len(trees))) // what the round before has not stored
			w.Snapshot(60)
			w.Checkpoint(uint64(len(trees))) // another one each time
		default:
			w.Append(20)
		}
		if len(trees) >= wantTrees {
			cancel()
		}
	})
	runtime.GC()
	if n, trees, readers := len(trees), alive(trees), alive(readers); n < wantTrees || trees != 1 || readers != 1 {
		t.Errorf("of %d trees and as many readers %d and %d are left, want the newest of each", n, trees, readers)
	}
	for _, n := range open { // what was open fails, or goes on
		live.Attr(n)
	}
	live.Close()
}

func alive[T any](all []weak.Pointer[T]) int {
	n := 0
	for _, p := range all {
		if p.Value() != nil {
			n++
		}
	}
	return n
}
