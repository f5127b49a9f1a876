package fsview

import (
	"context"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
)

// Follow keeps l up to date until ctx ends. It calls changed, from its one
// goroutine, with the trees before and after a change: twice, at once and
// again at the next look, since an answer from the tree before may still have
// been on its way at the first.
//
// A directory that is gone or cannot be read is a problem of the next tree,
// which shows what was there before, and is over when it can be read again.
func (l *Live) Follow(ctx context.Context, changed func(before, after *Tree, again bool)) {
	shown, trouble := l.Tree().r, ""
	again := func() {}
	for r, err := range shown.Watch(ctx) {
		again()
		again = func() {}
		problem := ""
		if err != nil {
			problem = err.Error()
		}
		if r == shown && problem == trouble {
			continue
		}
		shown, trouble = r, problem
		if err != nil {
			r = r.WithProblem(walcore.Problem{File: ".", Slot: -1, Kind: walcore.KindUnreadable,
				Message: problem + "; this is how it was before"})
		}
		before := l.Tree()
		after := before.next(r)
		l.swap(after)
		changed(before, after, false)
		again = func() { changed(before, after, true) }
	}
}

// Close closes the newest reader, once Follow has ended.
func (l *Live) Close() error { return l.Tree().r.Close() }

// next is the tree of a later reader of the same directory.
func (t *Tree) next(r *dgraph.Reader) *Tree { return newTree(r, t.decoding.next(t.r, r)) }
