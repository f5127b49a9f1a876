//go:build unix

package fsview

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/dgraph"
)

// TestFollowTellsTwice: Follow tells of each change at once, and a second time at the next
// look, in the order in which trees came.
func TestFollowTellsTwice(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{})
	defer w.Close()
	w.Append(10)
	r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	live := NewLive(New(r, nil))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute) // a Follow that hangs
	defer cancel()
	type change struct{ before, after *Tree }
	var firstTime, secondTime []change
	w.Append(1)
	live.Follow(ctx, func(before, after *Tree, second bool) {
		if live.Tree() != after {
			t.Error("the tree after a change is not the newest")
		}
		if second {
			secondTime = append(secondTime, change{before, after})
			if len(secondTime) == 5 {
				cancel()
				return
			}
			w.Append(1)
			return
		}
		if len(firstTime) != len(secondTime) {
			t.Error("a change comes before the last one came the second time")
		}
		firstTime = append(firstTime, change{before, after})
	})
	live.Close()
	if len(secondTime) != 5 || !slices.Equal(firstTime, secondTime) {
		t.Errorf("%d changes came, and %d a second time", len(firstTime), len(secondTime))
	}
}
