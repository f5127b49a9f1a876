//go:build linux

package fusefs

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/raftdir"
)

// TestNothingLeaks counts what a mount has after many changes, all of which somebody has
// looked at: trees, goroutines and descriptors.
func TestNothingLeaks(t *testing.T) {
	w := livedLog(t, nil)
	l := serveLive(t, w, nil)
	var trees []weak.Pointer[fsview.Tree]
	round := func(changes ...func(*raftdir.Writer)) {
		for _, change := range changes {
			change(w)
			l.awaitTree()
			trees = append(trees, weak.Make(l.live.Tree()))
			for _, k := range append(looks("head", "status.json", "meta/last_index", fmt.Sprintf("entries/%d", w.Last),
				fmt.Sprintf("decoded/%d.json", w.Last)), looks("list", "entries", "terms", "files", "native")...) {
				l.see(k)
			}
		}
	}
	changes := []func(*raftdir.Writer){appends, rewrites, empties, reachesBack, rotates}
	round(changes...)
	goroutines, descriptors := goroutinesOfOurs(), openFiles(t)
	for range 4 {
		round(changes...)
	}
	child.Await(t, "the old trees to be freed", func() bool {
		runtime.GC()
		alive := 0
		for _, p := range trees {
			if p.Value() != nil {
				alive++
			}
		}
		return alive <= 2 // the newest, and the one before, which a second pass needs
	})
	if now := goroutinesOfOurs(); now > goroutines {
		t.Errorf("%d goroutines, and %d after %d changes", goroutines, now, len(trees))
	}
	if now := openFiles(t); now > descriptors+16 { // pipes are kept for next time
		t.Errorf("%d descriptors, and %d after %d changes", descriptors, now, len(trees))
	}
}

// goroutinesOfOurs counts the goroutines that this module has begun.
func goroutinesOfOurs() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return strings.Count(string(stacks), "\ncreated by github.com/walfs/walfs/")
}

func openFiles(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}
