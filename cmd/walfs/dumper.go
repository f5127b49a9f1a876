package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// dumping is a dump at work: it prints what the filter lets through, upwards.
type dumping struct {
	*dumpOptions
	log      walcore.Log
	out      *bufio.Writer
	decoder  *outspoken
	printer  printer
	payloads walcore.Scanner
	text     []byte

	next uint64 // the index that comes next
	last uint64 // the index of the last entry that was looked at
	left int64  // how many entries may still be printed; 0: enough, below: no bound
	code int    // the exit code that what could not be read or decoded calls for
}

func (o *dumpOptions) dumping(log walcore.Log, d payload.Decoder, stdout io.Writer) *dumping {
	p := &dumping{dumpOptions: o, log: log, out: bufio.NewWriterSize(stdout, 64<<10), decoder: &outspoken{Decoder: d},
		next: max(o.filter.from, 1), left: o.filter.limit}
	if p.left == 0 {
		p.left = -1
	}
	p.printer = o.printer(p.out, log.Meta().System, p.decoder)
	return p
}

// run prints, and closes the reader. It fails with an exitError where
// everything was said already.
func (d *dumping) run(ctx context.Context) error {
	defer func() { d.log.Close() }() // a later one, if it has followed
	var err error
	if d.follow {
		err = d.followOn(ctx)
	} else {
		err = d.pass(ctx, false)
	}
	if err == nil {
		err = d.end()
	}
	if flushed := d.out.Flush(); err == nil {
		err = flushed
	}
	if err == nil && d.code != 0 {
		err = exitError{code: d.code}
	}
	return err
}

// end says what is wrong behind the last entry, unless that was not asked for or
// is where a node writes, and writes what comes last.
func (d *dumping) end() error {
	if d.left != 0 && !d.follow {
		d.say(d.log.Gap(d.next, d.filter.to))
	}
	if d.decoder.failed {
		d.code = max(d.code, exitFailed)
	}
	return d.printer.end(d.log)
}

func (d *dumping) say(err error) {
	if err != nil {
		complain(err)
		d.code = max(d.code, exitCode(err, true))
	}
}

// enough reports whether nothing more can be asked for.
func (d *dumping) enough() bool { return d.left == 0 || d.next > d.filter.to }

// pass prints the entries from next on. If it is patient, it fails with
// errLookAgain where one has changed since the reader was opened, or seems to
// be damaged.
func (d *dumping) pass(ctx context.Context, patient bool) error {
	for e := range d.log.Entries(d.next) {
		if e.Index > d.filter.to {
			d.say(d.log.Gap(d.next, d.filter.to))
			d.next = e.Index
		}
		if d.enough() {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted before entry %d", e.Index)
		}
		gap := d.log.Gap(d.next, e.Index-1)
		if patient && gap != nil {
			return errLookAgain
		}
		d.say(gap)
		d.next = e.Index
		if err := d.entry(&e, patient); err != nil {
			return err
		}
		d.last, d.next = e.Index, e.Index+1
	}
	return nil
}

var errLookAgain = errors.New("an entry has changed")

// entry prints an entry if the filter takes it.
func (d *dumping) entry(e *walcore.Entry, patient bool) error {
	if !d.filter.takes(e) {
		return nil
	}
	data, err := d.payloads.Data(e)
	if patient && errors.Is(err, walcore.ErrChanged) {
		return errLookAgain
	}
	if err != nil {
		d.say(err)
		return nil
	}
	if d.filter.pattern != nil {
		// A decoder's failure is in the text, too: only programs fail.
		d.text, _ = d.decoder.AppendJSON(d.text[:0], payload.EntryOf(e, data))
		if !d.filter.pattern.Match(d.text) {
			return nil
		}
	}
	d.left--
	return d.printer.print(e, data)
}
