package sums

import (
	"iter"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/stats"
)

// sums is what some entries add up to.
type sums struct {
	tables     []*stats.Table
	unreadable int64 // entries whose payload was to be read, and cannot be
}

func (a *adding) newSums() (s sums) {
	var snapshot uint64
	if a.snapshot != nil {
		snapshot = *a.snapshot
	}
	for _, by := range a.by() {
		s.tables = append(s.tables, stats.NewTable(by, snapshot))
	}
	return s
}

// merge adds what the entries behind those of s add up to.
func (s *sums) merge(next *sums) {
	for i, t := range s.tables {
		t.Merge(next.tables[i])
	}
	s.unreadable += next.unreadable
}

// batch is entries that follow one another, for one worker.
type batch struct {
	// first and last are the range of indexes that the entries are all of. It begins
	// behind that of the batch before.
	first, last uint64
	entries     []walcore.Entry
	bytes       int64 // of their payloads
	limit       int64 // how many entries to add; 0: all

	// What has become of it, once done is closed.
	sums
	files    []*walcore.File // that have an entry which was added; one can be there more than once
	matches  int64           // entries that were added
	failures []error         // by index
	err      error
	done     chan struct{}
}

// What is enough for a batch, so that handing it over costs nothing beside the work.
const (
	mostInBatch      = 16 << 10
	mostBytesInBatch = 8 << 20
)

// batches cuts the entries that the filter's range leaves into batches. They are cut by what
// is in the log alone, so that the sums do not depend on the number of workers.
func (a *adding) batches() iter.Seq[*batch] {
	from, to := max(a.Filter.First(), 1), a.Filter.Last()
	begin := func(first uint64) *batch {
		b := &batch{first: first, limit: a.left, sums: a.newSums(), done: make(chan struct{})}
		if n := len(a.spare); n > 0 {
			b.entries, a.spare = a.spare[n-1], a.spare[:n-1]
		}
		return b
	}
	return func(yield func(*batch) bool) {
		b := begin(from)
		for e := range a.log.Entries(from) {
			if e.Index > to {
				break
			}
			b.entries, b.bytes, b.last = append(b.entries, e), b.bytes+e.Size, e.Index
			if len(b.entries) == mostInBatch || b.bytes >= mostBytesInBatch {
				if !yield(b) {
					return
				}
				b = begin(e.Index + 1)
			}
		}
		if b.last = to; b.first <= to {
			yield(b)
		}
	}
}
