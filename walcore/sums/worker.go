package sums

import (
	"context"
	"errors"
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/filter"
	"github.com/walfs/walfs/walcore/payload"
)

// worker adds batches up. What it works with is its own.
type worker struct {
	ctx           context.Context
	log           walcore.Log
	failIfChanged bool // an entry that has changed ends the batch

	filter   filter.Filter
	decoder  *payload.Reporting // nil where no entry has to be understood
	payloads walcore.Scanner
	facts    payload.Facts
	batch    *batch
}

func (a *adding) newWorker(ctx context.Context) *worker {
	w := &worker{ctx: ctx, log: a.log, failIfChanged: a.FailIfChanged, filter: a.Filter}
	if a.NeedsPayloads() {
		w.decoder = &payload.Reporting{Decoder: a.Decoder, Failed: w.report}
	}
	return w
}

func (w *worker) run(batches <-chan *batch) {
	for b := range batches {
		w.batch = b
		b.err = w.add()
		close(b.done)
	}
}

// add adds the batch up.
func (w *worker) add() error {
	b := w.batch
	next := b.first
	for i := range b.entries {
		e := &b.entries[i]
		if w.ctx.Err() != nil {
			return fmt.Errorf("%w before entry %d: nothing was added up", context.Cause(w.ctx), e.Index)
		}
		w.report(w.log.Gap(next, e.Index-1))
		if err := w.addEntry(e); err != nil {
			return err
		}
		if next = e.Index + 1; b.limit > 0 && b.matches == b.limit {
			return nil
		}
	}
	if next <= b.last {
		w.report(w.log.Gap(next, b.last))
	}
	return nil
}

func (w *worker) report(err error) {
	if err != nil {
		w.batch.failures = append(w.batch.failures, err)
	}
}

// addEntry adds an entry, if the filter matches it. An entry that cannot be read is added,
// too, unless what it says decides whether it matches.
func (w *worker) addEntry(e *walcore.Entry) error {
	b := w.batch
	match := w.filter.Matches(e)
	if match == filter.No {
		return nil
	}
	var facts *payload.Facts
	if w.decoder != nil {
		data, err := payload.Data(&w.payloads, e)
		switch {
		case err != nil && w.failIfChanged && errors.Is(err, walcore.ErrChanged):
			return err
		case err != nil:
			w.report(err)
			b.unreadable++
			if match == filter.Unknown {
				return nil
			}
		case match == filter.Unknown && !w.filter.MatchesData(e, data, w.decoder):
			return nil
		default:
			w.decoder.Facts(&w.facts, payload.EntryOf(e, data))
			facts = &w.facts
		}
	}
	if n := len(b.files); n == 0 || b.files[n-1] != e.File {
		b.files = append(b.files, e.File)
	}
	for _, t := range b.tables {
		t.Add(e, facts)
	}
	b.matches++
	return nil
}
