package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/walfs/walfs/walcore"
)

// maxMoments bounds how often a log is read again that changes meanwhile.
const maxMoments = 10

// atOneMoment calls answer with the log. If answer meets an entry that has changed since
// the log was listed, and fails with ErrChanged, it is called again with the log as it is
// now: what it has found then is true of one moment. It gives the newest log, which is
// the one to close.
func atOneMoment(ctx context.Context, log walcore.Log, answer func(walcore.Log) error) (walcore.Log, error) {
	for range maxMoments {
		err := answer(log)
		now, ok := log.(walcore.Follower)
		if err == nil || !ok || !errors.Is(err, walcore.ErrChanged) {
			return log, err
		}
		if ctx.Err() != nil {
			return log, context.Cause(ctx)
		}
		next, refreshing := now.Refresh()
		switch {
		case refreshing != nil:
			return log, refreshing
		case next == now: // it has not changed: the entry is damaged
			return log, err
		}
		log = next
	}
	return log, fmt.Errorf("%s was written to faster than it could be read, %d times: try again, or ask a copy of it: walfs copy", quoted(log.Meta().Path), maxMoments)
}
