package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/walfs/walfs/walcore/dgraph"
)

// followOn prints what is there and then what comes, until ctx ends or nothing
// more is asked for.
func (d *dumping) followOn(ctx context.Context) error {
	seen, trouble := d.r.Log(), ""
	again, err := d.passOn(ctx, true)
	if err != nil || d.enough() {
		return unlessEnded(ctx, err)
	}
	for r, err := range d.r.Watch(ctx) {
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
		if r == d.r && !again {
			continue
		}
		// What has changed on disk and is nothing that Refresh sees is damage.
		patient := r != d.r
		d.r = r
		if d.decode.isDgraph() {
			// Whether it is an Alpha's or a Zero's may be clear only now.
			d.decoder.Decoder = d.decode.dgraph(r)
		}
		if r.Log().Count() > 0 {
			d.compare(seen, r.Log())
			seen = r.Log()
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
func (d *dumping) compare(before, after *dgraph.Log) {
	terms := after.Terms()
	first, end := terms[0].First, terms[len(terms)-1]
	if from, kept := dgraph.Kept(before, after); d.last > 0 && kept < d.last {
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
