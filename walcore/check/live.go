package check

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/walfs/walfs/walcore"
)

// This file has what a check does about a node that writes meanwhile.

// maxRounds bounds how often entries are looked at again that have changed. Each round
// is shorter than the one before; what has changed in all of them is being written, and
// is left out.
const maxRounds = 20

// scan reads all payloads, and reads again what has changed meanwhile.
func (c *checker) scan(ctx context.Context) error {
	progress := c.progress()
	wanted := func(uint64) bool { return true }
	for round := 0; ; round++ {
		c.outline = newOutline(c.log)
		t, err := readPayloads(ctx, c.log, c.outline, c.decoder, wanted, progress)
		if err != nil {
			return err
		}
		c.take(&t)
		if t.again.empty() || round == maxRounds {
			return nil
		}
		next, changed, err := c.refresh()
		if err != nil {
			return err
		}
		if !changed {
			c.stillChanged(t.again)
			return nil
		}
		first, last := next.(walcore.Follower).Unchanged(c.log)
		wanted = func(index uint64) bool { return t.again.has(index) || index < first || index > last }
		c.malformed.forget(wanted)
		c.damaged.forget(wanted)
		c.live, c.log = c.live || !sameState(c.log, next), next
	}
}

// take adds what a round has found.
func (c *checker) take(t *tally) {
	c.noKey += t.noKey
	c.noDataKey = t.noDataKey // a round looks again at those of the one before
	c.fits += t.fits
	c.malformed.merge([]*findings{&t.malformed})
	c.damaged.merge([]*findings{&t.damaged})
}

// refresh gives the log as it is now; next is the one there is if that has not changed.
func (c *checker) refresh() (next walcore.Log, changed bool, err error) {
	now, ok := c.log.(walcore.Follower)
	if !ok {
		return c.log, false, nil
	}
	f, err := now.Refresh()
	return f, f != now, err
}

// stillChanged reports entries that have other bytes than when they were listed, in a
// directory that has not changed since. Of a file that lacks its data key the log has
// said so.
func (c *checker) stillChanged(changed indexRange) {
	for e := range c.log.Entries(changed.first) {
		if e.Index > changed.last {
			return
		}
		if _, err := e.ReadAt(make([]byte, 1), 0); errors.Is(err, walcore.ErrChanged) {
			c.damaged.add(&e, walcore.KindUnreadable, "the payload cannot be read: "+reason(err))
		}
	}
}

const (
	// settleFor is how long a problem must be there in a directory that is written to,
	// at each look, to be one: a writer can be stopped between two stores.
	settleFor = 1500 * time.Millisecond
	// settleAtMost is how long one waits for a look that shows no other problems: the
	// report is made of that look.
	settleAtMost = 10 * settleFor
	lookAgain    = 50 * time.Millisecond
	// firstLook is how long a directory must stay the same, problems and all, to be one
	// that nobody writes to: more than a thread of a node waits for a busy processor.
	firstLook = 150 * time.Millisecond
)

// settledProblems are the log's own problems, without those that come and go while
// somebody writes to the directory.
func (c *checker) settledProblems(ctx context.Context) ([]walcore.Problem, error) {
	now := ownProblems(c.log)
	problems := now
	if _, ok := c.log.(walcore.Follower); !ok {
		return problems, nil
	}
	wait, begun := firstLook, time.Now()
	for {
		if len(problems) > 0 || wait == lookAgain {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(wait):
			}
		}
		next, changed, err := c.refresh()
		if err != nil {
			return nil, err
		}
		if changed {
			now = ownProblems(next)
		}
		if !c.live && sameState(c.log, next) && slices.Equal(now, problems) && !mayBeInProgress(next, problems) {
			return problems, nil
		}
		c.live = c.live || !sameState(c.log, next)
		c.log, wait = next, lookAgain
		problems = stillThere(problems, now)
		settled := len(now) == 0 || len(problems) == len(now) && time.Since(begun) > settleFor
		if settled || time.Since(begun) > settleAtMost {
			return problems, nil
		}
	}
}

// mayBeInProgress reports whether problems look like those of a directory in which files
// are being made or removed. That sets times, unlike what a node stores to mapped memory.
func mayBeInProgress(log walcore.Log, problems []walcore.Problem) bool {
	if !slices.ContainsFunc(problems, func(p walcore.Problem) bool {
		return p.Kind == walcore.KindCut || p.Kind == walcore.KindUnreadable || p.Kind == walcore.KindHole
	}) {
		return false
	}
	changed := log.Meta().Dir.Mtime
	if f, ok := log.(walcore.Filer); ok {
		for _, n := range f.Native() {
			if n.Attr.Mtime.After(changed) {
				changed = n.Attr.Mtime
			}
		}
	}
	return time.Since(changed) < settleFor
}

// sameState reports whether a log has the same state and the same end as it had at an
// earlier look. It need not be the same Log then: a directory that was just made is read
// again.
func sameState(before, now walcore.Log) bool {
	a, b := before.Meta().HardState, now.Meta().HardState
	last, known := before.LastIndex()
	lastNow, knownNow := now.LastIndex()
	return (a == nil) == (b == nil) && (a == nil || *a == *b) && last == lastNow && known == knownNow
}

// stillThere are the problems of now that were there before, and notes.
func stillThere(before, now []walcore.Problem) []walcore.Problem {
	return slices.DeleteFunc(slices.Clone(now), func(p walcore.Problem) bool {
		return isDamage(p) && !slices.ContainsFunc(before, func(b walcore.Problem) bool {
			return b.File == p.File && b.Kind == p.Kind && b.Slot == p.Slot
		})
	})
}
