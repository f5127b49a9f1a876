package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/filter"
	"github.com/walfs/walfs/walcore/payload"
)

// dumper prints the entries of a log that the filter matches, by index.
type dumper struct {
	*dumpOptions
	log      walcore.Log
	out      *bufio.Writer
	decoder  *payload.Reporting
	printer  printer
	payloads walcore.Scanner

	printed  bool // any entry
	progress *dumpProgress
	failures *failures

	next uint64 // the index to go on at
	last uint64 // the last index that was looked at, printed or not
	left int64  // how many entries may still be printed; below 0: any number
}

func newDumper(o *dumpOptions, log walcore.Log, decoder payload.Decoder, stdout io.Writer) *dumper {
	d := &dumper{dumpOptions: o, log: log, out: bufio.NewWriterSize(stdout, 64<<10), failures: &failures{},
		next: max(o.filter.First(), 1), left: o.filter.Limit()}
	if d.left == 0 {
		d.left = -1
	}
	d.decoder = &payload.Reporting{Decoder: decoder, Failed: d.fail}
	d.progress = newDumpProgress(d, stdout)
	d.printer = o.printer(d.out, terminal.To(stdout, o.wide), log.Meta(), d.decoder)
	return d
}

// run prints, and closes the log. It fails with an exitError without a text where
// all that is wrong was printed.
func (d *dumper) run(ctx context.Context) error {
	defer func() { d.log.Close() }() // the newest, if it has followed
	var err error
	if d.follow {
		err = d.followOn(ctx)
	} else {
		err = d.printEntries(ctx, false)
	}
	d.progress.end()
	if err == nil {
		err = d.end()
	}
	if flushed := d.out.Flush(); err == nil {
		err = flushed
	}
	d.failures.count(true)
	if err == nil && !d.printed && !d.follow && d.failures.code == 0 {
		d.noteNothing()
	}
	if err == nil && d.failures.code != 0 {
		err = exitError{code: d.failures.code}
	}
	return err
}

// end reports damage behind the last entry, if entries there were asked for, and
// prints what comes last. Whoever follows a log asks for none: there, a writer is
// at work.
func (d *dumper) end() error {
	if d.left != 0 && !d.follow {
		d.report(d.log.Gap(d.next, d.filter.Last()))
	}
	return d.printer.end(d.log)
}

func (d *dumper) report(err error) {
	if err != nil {
		d.fail(err)
	}
}

// fail notes what could not be read or decoded.
func (d *dumper) fail(err error) {
	d.progress.end()
	d.failures.add(err)
}

// noteNothing says why nothing was printed.
func (d *dumper) noteNothing() { notef("%s", d.filter.Nothing(d.log)) }

// enough reports whether nothing more was asked for.
func (d *dumper) enough() bool { return d.left == 0 || d.next > d.filter.Last() }

// errRetry: an entry has changed or is damaged. The log's next Refresh tells which.
var errRetry = errors.New("an entry has changed")

// printEntries prints the entries from next on. What cannot be read is reported and
// passed over, unless mayRetry: then errRetry ends it there.
func (d *dumper) printEntries(ctx context.Context, mayRetry bool) error {
	for e := range d.log.Entries(d.next) {
		if e.Index > d.filter.Last() {
			d.report(d.log.Gap(d.next, d.filter.Last()))
			d.next = e.Index
		}
		if d.enough() {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w before entry %d", context.Cause(ctx), e.Index)
		}
		gap := d.log.Gap(d.next, e.Index-1)
		if mayRetry && gap != nil {
			return errRetry
		}
		d.report(gap)
		d.next = e.Index
		if err := d.printEntry(&e, mayRetry); err != nil {
			return err
		}
		d.last, d.next = e.Index, e.Index+1
		d.progress.passed(&e)
	}
	return nil
}

// printEntry prints an entry if the filter matches it.
func (d *dumper) printEntry(e *walcore.Entry, mayRetry bool) error {
	match := d.filter.Matches(e)
	if match == filter.No {
		return nil
	}
	data, err := payload.Data(&d.payloads, e)
	if mayRetry && errors.Is(err, walcore.ErrChanged) {
		return errRetry
	}
	if err != nil {
		d.report(err)
		return nil
	}
	if match == filter.Unknown && !d.filter.MatchesData(e, data, d.decoder) {
		return nil
	}
	d.left--
	d.printed = true
	return d.printer.print(e, data)
}
