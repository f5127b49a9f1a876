package fsview

import (
	"context"

	"github.com/walfs/walfs/walcore"
)

// Follow keeps l up to date until ctx ends. It tells changed of each change, from its
// one goroutine, with the trees before and after it. It does so twice: at once, and a
// second time at the next look at the directory. An answer from the tree before may
// still be on its way to a cache the first time.
//
// A directory that is gone or cannot be read is a problem of the next tree, which shows
// the log as it was. When it can be read again, a tree without that problem follows.
func (l *Live) Follow(ctx context.Context, changed func(before, after *Tree, second bool)) {
	shown, failure := l.Tree().log, ""
	tellAgain := func() {}
	for log, err := range walcore.Watch(ctx, shown) {
		tellAgain()
		tellAgain = func() {}
		failed := ""
		if err != nil {
			failed = err.Error()
		}
		if log == shown && failed == failure {
			continue
		}
		shown, failure = log, failed
		var more []walcore.Problem
		if err != nil {
			more = []walcore.Problem{walcore.FileProblem(".", walcore.KindUnreadable, failed+"; this is how it was before")}
		}
		before := l.Tree()
		after := before.next(log, more)
		l.swap(after)
		changed(before, after, false)
		tellAgain = func() { changed(before, after, true) }
	}
}

// Close closes the newest log. It is to be called when Follow has ended.
func (l *Live) Close() error { return l.Tree().log.Close() }

// next is the tree of a later log of the directory, with problems beside the log's own.
func (t *Tree) next(log walcore.Follower, more []walcore.Problem) *Tree {
	after := newTree(log, nil, more, t.decoding.next(t.log, log))
	after.keepLines(t)
	return after
}
