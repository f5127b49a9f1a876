package walcore

import (
	"context"
	"iter"
	"time"
)

// How long Watch waits between two looks. One that finds nothing changed costs some ten
// system calls, and another for every 64 log files.
const (
	minWait = 60 * time.Millisecond
	// One that finds changes reads slots again. The wait after it is ten
	// times as long as it took, so that looking takes a tenth of the time.
	waitFactor = 10
	// The longest wait: it may have been slow because the machine was busy
	// with other things.
	maxWait = time.Second
)

// Watch glances at a log some 16 times a second until ctx ends. Each time it yields
// the newest log, which is the same as before if nothing has changed. If that
// fails, it yields the same log again and the error. Only the last log is to be
// closed. A log that is no Follower never changes: Watch then yields nothing.
func Watch(ctx context.Context, l Log) iter.Seq2[Follower, error] {
	return func(yield func(Follower, error) bool) {
		newest, ok := l.(Follower)
		if !ok {
			<-ctx.Done()
			return
		}
		timer := time.NewTimer(minWait)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			start := time.Now()
			next, err := glance(newest)
			wait := minWait
			if err == nil && next != newest {
				newest = next
				wait = min(max(minWait, waitFactor*time.Since(start)), maxWait)
			}
			if !yield(newest, err) {
				return
			}
			timer.Reset(wait)
		}
	}
}

// glance looks at a log that is looked at many times a second.
func glance(l Follower) (Follower, error) {
	if g, ok := l.(Glancer); ok {
		return g.Glance()
	}
	return l.Refresh()
}
