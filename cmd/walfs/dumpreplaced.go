package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// replacedDumper prints what a later leader has replaced: entries whose slots are still
// there, by index, and then payloads of which no slot is left.
type replacedDumper struct {
	*dumper
	seen                     int // how many there are
	slots, payloads, indexes int // how many were printed; of the payloads, with an index
}

func runDumpReplaced(ctx context.Context, o *dumpOptions, log walcore.Log, decoder payload.Decoder, stdout io.Writer) error {
	d := &replacedDumper{dumper: newDumper(o, log, decoder, stdout)}
	return d.run(ctx)
}

func (d *replacedDumper) run(ctx context.Context) error {
	defer func() { d.log.Close() }() // the newest, if it was read again
	if _, ok := d.log.(walcore.Replacer); !ok {
		return fmt.Errorf("what was replaced in a log of %s is not known", d.log.Meta().System.Name)
	}
	stop := endSaying(ctx, ": nothing was printed")
	remains, err := d.search()
	stop()
	d.progress.end()
	if err != nil {
		return err
	}
	for e := range d.log.(walcore.Replacer).Replaced(0) {
		if err := d.printOne(ctx, &e); err != nil {
			return err
		}
	}
	for _, found := range remains.Found {
		if err := d.printOne(ctx, &found.Entry); err != nil {
			return err
		}
	}
	if err := d.out.Flush(); err != nil {
		return err
	}
	for _, s := range remains.Searched {
		if s.Err != nil {
			d.fail(walcore.FileError(s.File, s.Err).At(uint64(s.From)))
		}
	}
	d.failures.count(true)
	d.note(remains.Searched)
	if d.failures.code != 0 {
		return exitError{code: d.failures.code}
	}
	return nil
}

// searchAgain is how often is searched anew while a node writes.
const searchAgain = 10

// search looks for payloads, if the log can do that, in the directory as it is now.
func (d *replacedDumper) search() (remains walcore.Remains, err error) {
	for range searchAgain {
		r, ok := d.log.(walcore.Remainer)
		if !ok {
			return remains, nil
		}
		remains, err = r.Remains(payload.NewRecognizer(payload.AppOf(d.log)))
		f, follows := d.log.(walcore.Follower)
		if err == nil || !errors.Is(err, walcore.ErrChanged) || !follows {
			return remains, err
		}
		next, refreshed := f.Refresh()
		if refreshed != nil {
			return remains, refreshed
		}
		d.log = next
	}
	return remains, fmt.Errorf("%w, %d times: a node writes to it; try again when it writes less, or search what cp -a --sparse=always copies", err, searchAgain)
}

// printOne prints one, if it is asked for. An index or a term that is not known is none
// that was asked for.
func (d *replacedDumper) printOne(ctx context.Context, e *walcore.Entry) error {
	d.seen++
	if d.left == 0 || !d.filter.InRange(e.Index) {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w before %s at %d", context.Cause(ctx), e.File.Name, e.Offset)
	}
	d.printed = false
	if err := d.printEntry(e, false); err != nil {
		return err
	}
	switch {
	case !d.printed:
	case e.Slot >= 0:
		d.slots++
	default:
		d.payloads++
		if e.Index > 0 {
			d.indexes++
		}
	}
	return nil
}

// note says how sure it is what was printed, and where was looked.
func (d *replacedDumper) note(searched []walcore.Searched) {
	var sure []string
	if d.slots > 0 {
		sure = append(sure, fmt.Sprintf("%d with a slot: index and term are certain", d.slots))
	}
	if d.payloads > 0 {
		known := "index and term are not known"
		if d.indexes == d.payloads {
			known = "so is the index; the term is not known"
		} else if d.indexes > 0 {
			known = "so is the index where there is one; the term is not known"
		}
		sure = append(sure, fmt.Sprintf("%d without a slot: it is certain that the payload was written here and that the log does not have it, %s",
			d.payloads, known))
	}
	switch {
	case len(sure) > 0:
	case d.seen > 0:
		sure = []string{fmt.Sprintf("of %d replaced entries that are found none matches", d.seen)}
	case d.failures.code != 0:
		sure = []string{"whether there are replaced entries is not known: not all could be searched"}
	default:
		sure = []string{"no replaced entry is found"}
	}
	notef("%s%s", strings.Join(sure, "; "), placesText(searched))
	for _, s := range searched {
		if s.Note != "" {
			notef("%s offset %d: %s", s.File, s.From, s.Note)
		}
	}
}

// shownPlaces is how many places are named in a line.
const shownPlaces = 4

// placesText says where was looked for payloads.
func placesText(searched []walcore.Searched) string {
	var places []string
	for _, s := range searched {
		if s.To > s.From {
			places = append(places, fmt.Sprintf("%s from %d to %d", s.File, s.From, s.To))
		}
	}
	if len(places) == 0 {
		return ""
	}
	more := ""
	if n := len(places) - shownPlaces; n > 0 {
		places, more = places[:shownPlaces], fmt.Sprintf(" and %d more places between payloads", n)
	}
	return "; searched: " + strings.Join(places, ", ") + more
}
