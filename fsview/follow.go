package fsview

import (
	"context"

	"github.com/walfs/walfs/walcore"
)

// Follow keeps l up to date until ctx ends. It calls changed, from its one
// goroutine, with the trees before and after a change: twice, at once and
// again at the next look, since an answer from the tree before may still have
// been on its way at the first.
//
// A directory that is gone or cannot be read is a problem of the next tree,
// which shows what was there before, and is over when it can be read again.
func (l *Live) Follow(ctx context.Context, changed func(before, after *Tree, again bool)) {
	shown, trouble := l.Tree().log, ""
	again := func() {}
	for log, err := range walcore.Watch(ctx, shown) {
		again()
		again = func() {}
		problem := ""
		if err != nil {
			problem = err.Error()
		}
		if log == shown && problem == trouble {
			continue
		}
		shown, trouble = log, problem
		var more []walcore.Problem
		if err != nil {
			more = []walcore.Problem{{File: ".", Slot: -1, Kind: walcore.KindUnreadable,
				Message: problem + "; this is how it was before"}}
		}
		before := l.Tree()
		after := before.next(log, more)
		l.swap(after)
		changed(before, after, false)
		again = func() { changed(before, after, true) }
	}
}

// Close closes the newest log, once Follow has ended.
func (l *Live) Close() error { return l.Tree().log.Close() }

// next is the tree of a later log of the same directory, with problems beside
// the log's own.
func (t *Tree) next(log walcore.Follower, more []walcore.Problem) *Tree {
	return newTree(log, more, t.decoding.next(t.log, log))
}
