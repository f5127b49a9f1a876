package repair

import (
	"fmt"
	"iter"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/check"
)

// This file has package check look at the log, and at what is kept of it: data that no
// node can apply end the log as a hole does.

// view is a log, or a part of it, for package check: it does not follow the directory,
// and does not close it.
type view struct {
	log         walcore.Log
	meta        *walcore.Meta
	problems    []walcore.Problem
	first, last uint64 // of the entries
	opens       func() error
}

var _ walcore.Opener = view{}

func (v view) Meta() *walcore.Meta                       { return v.meta }
func (v view) FirstIndex() (uint64, bool)                { return v.first, true }
func (v view) LastIndex() (uint64, bool)                 { return v.last, true }
func (v view) Terms() []walcore.TermSpan                 { return v.log.Terms() }
func (v view) Entry(index uint64) (walcore.Entry, error) { return v.log.Entry(index) }
func (v view) Gap(first, last uint64) error              { return v.log.Gap(first, last) }
func (v view) Problems() []walcore.Problem               { return v.problems }
func (v view) Opens() error                              { return v.opens() }
func (v view) Close() error                              { return nil }
func (v view) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		for e := range v.log.Entries(max(from, v.first)) {
			if e.Index > v.last || !yield(e) {
				return
			}
		}
	}
}

func (p *planner) wholeLog() view {
	return view{log: p.log, meta: p.meta, problems: p.log.Problems(), last: walcore.MaxNumber, opens: p.log.Opens}
}

// kept is the log as far as it is kept.
func (p *planner) kept() view {
	m := *p.meta
	if p.Snapshot == nil {
		m.Snapshot = &walcore.Snapshot{}
	}
	return view{log: p.log, meta: &m, first: p.First, last: p.Last, opens: func() error { return nil }}
}

func (p *planner) check(v view, in phase) (*check.Report, error) {
	return check.Run(p.ctx, v, check.Options{Progress: func(done, _ int64) { p.report(in, done) }})
}

// checkKept checks what is kept. If something is wrong with it, it notes that, and
// what is kept has to be taken again.
func (p *planner) checkKept() (again bool, err error) {
	report, err := p.check(p.kept(), checkingKept)
	if err != nil {
		return false, err
	}
	for _, f := range report.Problems {
		switch {
		case f.Kind == walcore.KindSnapshot && p.Snapshot != nil:
			p.wrong.snapshot, again = f.Message, true
		case (f.Kind == walcore.KindPayload || f.Kind == walcore.KindConfChange) && f.Slot >= 0 &&
			f.Index >= p.First && f.Index <= p.Last && (p.wrong.index == 0 || f.Index < p.wrong.index):
			p.wrong.index, again = f.Index, true
			p.wrong.entry = walcore.SlotError(f.File, f.Slot, fmt.Errorf("%s: %w", f.Message, walcore.ErrDamaged)).At(f.Offset).OfEntry(f.Index)
		}
	}
	return again, nil
}
