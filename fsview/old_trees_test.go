package fsview

import (
	"github.com/walfs/walfs/walcore/dgraph"

	"context"
	"path/filepath"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/walfs/walfs/test/raftdir"
)

// TestPastTreesGo: nothing holds on to a tree or a reader that another has
// followed, though somebody has its files open still.
func TestPastTreesGo(t *testing.T) {
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
	const changes = 20
	w.Append(1)
	live.Follow(ctx, func(_, after *Tree, again bool) {
		if !again {
			trees = append(trees, weak.Make(after))
			readers = append(readers, weak.Make(after.log.(*dgraph.Reader)))
			return
		}
		for _, path := range []string{"entries/80", "decoded/80.json", "status.json", "meta/last_index", "snapshots/latest/data"} {
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
			w.Snapshot(60)
		default:
			w.Append(20)
		}
		if len(trees) >= changes {
			cancel()
		}
	})
	runtime.GC()
	alive := [2]int{}
	for i := range trees {
		if trees[i].Value() != nil {
			alive[0]++
		}
		if readers[i].Value() != nil {
			alive[1]++
		}
	}
	if len(trees) < changes || alive != [2]int{1, 1} {
		t.Errorf("of %d trees and as many readers %d are left, want the newest of each", len(trees), alive)
	}
	for _, n := range open { // what was open fails, or goes on
		live.Attr(n)
	}
	live.Close()
}
