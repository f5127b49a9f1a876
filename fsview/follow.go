package fsview

import (
	"context"
	"time"

	"github.com/walfs/walfs/walcore"
)

// How often a directory is looked at. A look at one that has not changed is
// five system calls.
const (
	lookEvery = 40 * time.Millisecond
	// One that finds changes reads slots again: it may take a tenth of the
	// time.
	lookShare = 10
	// However long a look took, on a machine that is busy with other things.
	lookAtLeast = time.Second
)

// Follow keeps l up to date until ctx ends. It calls changed, from its one
// goroutine, with the trees before and after a change: twice, at once and
// again at the next look, since an answer from the tree before may still have
// been on its way at the first.
//
// A directory that is gone or cannot be read is a problem of the next tree,
// which shows what was there before, and is over when it can be read again.
func (l *Live) Follow(ctx context.Context, changed func(before, after *Tree, again bool)) {
	good := l.Tree().r
	trouble := ""
	var again func()
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if again != nil {
			again()
			again = nil
		}
		start := time.Now()
		show, err := good.Refresh()
		switch {
		case err != nil && err.Error() != trouble:
			trouble = err.Error()
			show = good.WithProblem(walcore.Problem{File: ".", Slot: -1, Kind: walcore.KindUnreadable,
				Message: trouble + "; this is how it was before"})
		case err != nil || show == good && trouble == "":
			timer.Reset(lookEvery)
			continue
		default:
			trouble, good = "", show
		}
		before := l.Tree()
		after := before.next(show)
		l.swap(after)
		took := time.Since(start)
		changed(before, after, false)
		again = func() { changed(before, after, true) }
		timer.Reset(min(max(lookEvery, lookShare*took), lookAtLeast))
	}
}

// Close closes the newest reader, once Follow has ended.
func (l *Live) Close() error { return l.Tree().r.Close() }

// next is the tree of a later reader of the same directory. Its folders have a
// new time, which is what tells kernels and people that they have changed: a
// writer's stores to a mapped file need not change the file's.
func (t *Tree) next(r *walcore.Reader) *Tree {
	n := newTree(r, t.decoder, t.cache)
	n.newest = time.Now()
	n.build()
	return n
}
