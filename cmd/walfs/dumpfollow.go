package main

import (
	"github.com/walfs/walfs/walcore"

	"context"
	"errors"
	"fmt"
	"os"
)

// followOn prints what is there and then what comes, until ctx ends or nothing
// more is asked for.
func (d *dumping) followOn(ctx context.Context) error {
	seen, trouble := d.log, ""
	again, err := d.passOn(ctx, true)
	if err != nil || d.enough() {
		return unlessEnded(ctx, err)
	}
	for log, err := range walcore.Watch(ctx, d.log) {
		if err != nil {
			if problem := err.Error(); problem != trouble {
				trouble = problem
				remark("%v; following on when it can be read again", err)
			}
			continue
		}
		if trouble != "" {
			trouble = ""
			remark("the directory can be read again")
		}
		if log == d.log && !again {
			continue
		}
		// What has changed on disk and is nothing that Refresh sees is damage.
		patient := log != d.log
		d.log = log
		if d.decode.isDgraph() {
			// Whether it is an Alpha's or a Zero's may be clear only now.
			d.decoder.Decoder = d.decode.dgraph(log)
		}
		if len(log.Terms()) > 0 {
			d.compare(seen, log)
			seen = log
		}
		if again, err = d.passOn(ctx, patient); err != nil || d.enough() {
			return unlessEnded(ctx, err)
		}
	}
	return nil
}

// passOn is a pass after which all is written. again says that an entry has
// changed, which the next look will tell.
func (d *dumping) passOn(ctx context.Context, patient bool) (again bool, err error) {
	err = d.pass(ctx, patient)
	if again = errors.Is(err, errLookAgain); again {
		err = nil
	}
	return again, errors.Join(err, d.out.Flush())
}

// unlessEnded is err, unless whoever follows has ended it.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// compare says what has become of entries that were looked at, and of those that
// were not yet.
func (d *dumping) compare(before walcore.Log, after walcore.Follower) {
	terms := after.Terms()
	first, end := terms[0].First, terms[len(terms)-1]
	if from, kept := after.Unchanged(before); d.last > 0 && kept < d.last {
		// Nothing kept: another log, of which all is new.
		next := kept + 1
		if kept < from {
			next = first
		}
		remark("the log was rewritten from entry %d on; it ends at %d, term %d, now", next, end.Last, end.Term)
		d.last, d.next = next-1, max(next, d.filter.from)
	}
	if first > d.next {
		remark("entries %d to %d are gone, compacted before they could be printed", d.next, first-1)
		d.next = first
	}
}

// remark says on stderr what is no error.
func remark(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "walfs: "+format+"\n", args...)
}
