package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/stats"
)

// adding adds the entries of a log up.
type adding struct {
	*statsOptions
	log     walcore.Log
	decoder *reportingDecoder // nil where no entry has to be understood

	// Of the log as it was last read.
	tables     []*stats.Table
	failures   *failures
	unreadable int64 // entries whose payload was to be read, and cannot be
	files      map[*walcore.File]bool

	payloads walcore.Scanner
	facts    payload.Facts
	progress statsProgress
}

// run adds all up about one moment. It leaves the newest log in a.
func (a *adding) run(ctx context.Context) error {
	if a.readsPayloads() {
		decoder, end, err := a.decode.decoder(a.log)
		if err != nil {
			return err
		}
		defer end()
		a.decoder = &reportingDecoder{Decoder: decoder, printFailure: func(err error) { a.failures.add(err) }}
	}
	defer a.progress.start(a)()
	var err error
	a.log, err = atOneMoment(ctx, a.log, func(log walcore.Log) error { return a.add(ctx, log, true) })
	if errors.Is(err, walcore.ErrChanged) { // what cannot be read again is counted as that
		err = a.add(ctx, a.log, false)
	}
	return err
}

// readsPayloads reports whether entries have to be understood.
func (a *adding) readsPayloads() bool {
	return a.filter.pattern != nil || a.filter.wantsFacts() || slices.ContainsFunc(a.by(), stats.By.NeedsFacts)
}

// add adds all up from the start. With mayRetry, it fails with walcore.ErrChanged at the
// first entry that has changed.
func (a *adding) add(ctx context.Context, log walcore.Log, mayRetry bool) error {
	if err := a.filter.resolve(log); err != nil {
		return err
	}
	a.begin(log)
	next, last, left := max(a.filter.first(), 1), a.filter.last(), a.filter.limit
	for e := range log.Entries(next) {
		if e.Index > last {
			break
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w before entry %d: nothing was added up", context.Cause(ctx), e.Index)
		}
		a.report(log.Gap(next, e.Index-1))
		matches, err := a.addEntry(&e)
		if mayRetry && errors.Is(err, walcore.ErrChanged) {
			return err
		}
		a.report(err)
		a.progress.passed(&e)
		next = e.Index + 1
		if matches && a.filter.limit > 0 {
			if left--; left == 0 {
				return nil
			}
		}
	}
	if next <= last {
		a.report(log.Gap(next, last))
	}
	return nil
}

// begin forgets what was added up.
func (a *adding) begin(log walcore.Log) {
	a.failures, a.unreadable = &failures{later: true}, 0
	a.payloads.Reset()
	a.progress.restart()
	snapshot, _ := snapshotIndex(log)
	a.tables = nil
	for _, by := range a.by() {
		a.tables = append(a.tables, stats.NewTable(by, snapshot))
	}
	a.files = map[*walcore.File]bool{}
	if a.filterTyped() == "" {
		for _, f := range logFiles(log) {
			a.addFile(f)
		}
	}
}

// addFile adds a log file. With a filter, only those are added in which it leaves an entry.
func (a *adding) addFile(f *walcore.File) {
	if a.files[f] {
		return
	}
	a.files[f] = true
	for _, t := range a.tables {
		t.AddFile(f)
	}
}

// snapshotIndex is that of the stored snapshot, 0 where there is none. known is false if it
// is damaged.
func snapshotIndex(log walcore.Log) (index uint64, known bool) {
	if s := log.Meta().Snapshot; s != nil {
		return s.Index, true
	}
	return 0, false
}

func logFiles(log walcore.Log) []*walcore.File {
	if filer, ok := log.(walcore.Filer); ok {
		return filer.Files()
	}
	return nil
}

func (a *adding) report(err error) {
	if err != nil {
		a.failures.add(err)
	}
}

// addEntry adds an entry, if the filter matches it. An entry that cannot be read is added,
// too, unless what it says decides whether it matches.
func (a *adding) addEntry(e *walcore.Entry) (matches bool, err error) {
	match := a.filter.matches(e)
	if match == matchNo {
		return false, nil
	}
	var facts *payload.Facts
	if a.decoder != nil {
		data, reading := payload.Data(&a.payloads, e)
		switch {
		case reading != nil:
			a.unreadable++
			err = reading
			if match == matchUnknown {
				return false, err
			}
		case match == matchUnknown && !a.filter.matchesData(e, data, a.decoder):
			return false, nil
		default:
			a.decoder.Facts(&a.facts, payload.EntryOf(e, data))
			facts = &a.facts
		}
	}
	a.addFile(e.File)
	for _, t := range a.tables {
		t.Add(e, facts)
	}
	return true, err
}
