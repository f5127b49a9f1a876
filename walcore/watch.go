package walcore

import (
	"context"
	"iter"
	"time"
)

// How often a directory is looked at. A look at one that has not changed is
// five system calls.
const (
	lookEvery = 60 * time.Millisecond
	// A look that finds changes reads slots again: it may take a tenth of the
	// time.
	lookShare = 10
	// The longest wait, however long a look took: the machine may be busy with
	// other things.
	lookAtLeast = time.Second
)

// Watch looks at a log's directory 16 times a second until ctx ends, and yields
// at each look the newest log, which is the one before if nothing has changed,
// or that one with Refresh's error. Only the last one is to be closed.
func Watch(ctx context.Context, l Log) iter.Seq2[Follower, error] {
	return func(yield func(Follower, error) bool) {
		newest, ok := l.(Follower)
		if !ok {
			<-ctx.Done() // nothing will ever change
			return
		}
		timer := time.NewTimer(lookEvery)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			start := time.Now()
			next, err := newest.Refresh()
			wait := lookEvery
			if err == nil && next != newest {
				newest = next
				wait = min(max(lookEvery, lookShare*time.Since(start)), lookAtLeast)
			}
			if !yield(newest, err) {
				return
			}
			timer.Reset(wait)
		}
	}
}
