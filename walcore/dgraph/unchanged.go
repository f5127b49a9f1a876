package dgraph

import (
	"iter"
	"sort"

	"github.com/walfs/walfs/walcore"
)

// Unchanged is the range of indexes that an earlier log of the directory has as
// this one has them.
func (r *Reader) Unchanged(since walcore.Log) (first, last uint64) {
	before, ok := since.(*Reader)
	if !ok {
		return 1, 0
	}
	return unchanged(before.log, r.log)
}

func unchanged(before, after *log) (first, last uint64) {
	b, a := before.spans, after.spans
	if len(b) == 0 || len(a) == 0 {
		return 1, 0
	}
	first = max(b[0].index, a[0].index)
	last = first - 1
	for len(b) > 0 && len(a) > 0 {
		switch {
		case b[0].last() <= last:
			b = b[1:]
		case a[0].last() <= last:
			a = a[1:]
		default:
			// A hole that both have has not changed.
			from := max(b[0].index, last+1)
			n := b[0].common(a[0], from)
			if from != max(a[0].index, last+1) || n == 0 {
				return first, last
			}
			last = from + n - 1
		}
	}
	return first, last
}

// common is how many entries from an index on, which both spans hold, are the
// same ones.
func (s span) common(o span, index uint64) uint64 {
	i := s.slot + int(index-s.index)
	if index < o.index || i != o.slot+int(index-o.index) || !s.file.Attr.Same(o.file.Attr) || s.file.Identity != o.file.Identity {
		return 0
	}
	n := min(s.last(), o.last()) + 1 - index
	if s.file.slotTable == o.file.slotTable {
		return n
	}
	for k := range n {
		if s.file.Slot(i+int(k)) != o.file.Slot(i+int(k)) {
			return k
		}
	}
	return n
}

// Outline goes through the slots that are entries, upwards, without a look at
// their payloads.
func (l *log) Outline(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		k := sort.Search(len(l.spans), func(k int) bool { return l.spans[k].last() >= from })
		for ; k < len(l.spans); k++ {
			s := l.spans[k]
			i := s.slot
			if from > s.index {
				i += int(from - s.index)
			}
			for ; i < s.slot+s.n; i++ {
				if !s.file.isDropped(i) && !yield(s.file.entryOf(i, 0)) {
					return
				}
			}
		}
	}
}
