package dgraph

import (
	"context"
	"iter"
	"time"
)

// How often a directory is looked at. A look at one that has not changed is
// five system calls.
const (
	lookEvery = 60 * time.Millisecond
	// One that finds changes reads slots again: it may take a tenth of the
	// time.
	lookShare = 10
	// However long a look took, on a machine that is busy with other things.
	lookAtLeast = time.Second
)

// Watch looks at r's directory 16 times a second until ctx ends, and yields at
// each look the newest reader, which is the one before if nothing has changed,
// or that one with Refresh's error. Only the last one is to be closed.
func (r *Reader) Watch(ctx context.Context) iter.Seq2[*Reader, error] {
	return func(yield func(*Reader, error) bool) {
		timer := time.NewTimer(lookEvery)
		defer timer.Stop()
		newest := r
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
