package main

import (
	"context"
	"errors"
	"time"

	"github.com/walfs/walfs/walcore"
)

// followOn prints the entries that are there and then those that come, until ctx
// ends or nothing more is asked for.
func (d *dumper) followOn(ctx context.Context) error {
	compared, trouble := d.log, ""
	retry, err := d.printNow(ctx, true)
	if err != nil || d.enough() {
		return unlessEnded(ctx, err)
	}
	for log, err := range walcore.Watch(ctx, d.log) {
		if err != nil {
			if text := err.Error(); text != trouble {
				trouble = text
				notef("%v; following on when it can be read again", err)
			}
			continue
		}
		if trouble != "" {
			trouble = ""
			notef("the directory can be read again")
		}
		if log == d.log && !retry {
			continue
		}
		// Where Refresh finds the log as it was, an entry that has changed is
		// damaged: trying again would not help.
		mayRetry := log != d.log
		d.log = log
		d.filter.ResolveTimes(log, time.Now())
		if d.decode.isBuiltin() {
			// Only now it may be clear whether the log is an Alpha's or a Zero's.
			d.decoder.Decoder = d.decode.builtin(log)
		}
		if len(log.Terms()) > 0 {
			d.skipTo(compared, log)
			compared = log
		}
		if retry, err = d.printNow(ctx, mayRetry); err != nil || d.enough() {
			return unlessEnded(ctx, err)
		}
	}
	return nil
}

// printNow prints entries and flushes them. retry says that the same is to be done
// again after the next look at the directory.
func (d *dumper) printNow(ctx context.Context, mayRetry bool) (retry bool, err error) {
	err = d.printEntries(ctx, mayRetry)
	if retry = errors.Is(err, errRetry); retry {
		err = nil
	}
	d.failures.count(false)
	if flushed := d.out.Flush(); err == nil { // it fails again with what print has failed with
		err = flushed
	}
	return retry, err
}

// unlessEnded is err, unless the user has ended following.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// skipTo says which of the entries that were printed the log has replaced since, and
// which of those to come it has compacted, and goes on where it has others.
func (d *dumper) skipTo(before walcore.Log, after walcore.Follower) {
	terms := after.Terms()
	first, end := terms[0].First, terms[len(terms)-1]
	if from, to := after.Unchanged(before); d.last > 0 && to < d.last {
		next := to + 1
		if to < from { // nothing is unchanged: another log, of which all is new
			next = first
		}
		notef("the log was rewritten from entry %d on; it ends at %d, term %d, now", next, end.Last, end.Term)
		d.last, d.next = next-1, max(next, d.filter.First())
	}
	if first > d.next {
		notef("entries %d to %d are gone, compacted before they could be printed", d.next, first-1)
		d.next = first
	}
}
