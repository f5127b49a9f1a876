package dgraph

import (
	"slices"

	"github.com/walfs/walfs/walcore"
)

// Unchanged is the range of indexes that are in the same slots of the same files
// as in an earlier log of the directory. Where there is none, first lies above
// last.
func (r *Reader) Unchanged(since walcore.Log) (first, last uint64) {
	earlier, ok := since.(*Reader)
	if !ok {
		return 1, 0
	}
	first, last = unchanged(earlier.log, r.log)
	if now := earlier.now(); now != earlier { // it has given what both say
		from, to := unchanged(now.log, r.log)
		first, last = max(first, from), min(last, to)
	}
	return first, last
}

// SameEntries reports whether r gives the entries that an earlier log of the directory gave. It
// is known of two lazily read ones that are as presumed: each slot of theirs is an entry, but
// for the newest file's, of which it counts what is wrong.
func (r *Reader) SameEntries(since walcore.Log) bool {
	earlier, ok := since.(*Reader)
	if !ok || earlier.lazy == nil || r.lazy == nil || earlier.now() != earlier || r.now() != r || len(r.spans) == 0 {
		return false
	}
	first, last := unchanged(earlier.log, r.log)
	for _, spans := range [][]span{earlier.spans, r.spans} {
		if spans[0].index < first || spans[len(spans)-1].last() > last {
			return false
		}
	}
	return slices.Equal(earlier.Found(), r.Found())
}

func unchanged(earlier, later *log) (first, last uint64) {
	e, l := earlier.spans, later.spans
	if len(e) == 0 || len(l) == 0 {
		return 1, 0
	}
	first = max(e[0].index, l[0].index)
	last = first - 1
	for len(e) > 0 && len(l) > 0 {
		switch {
		case e[0].last() <= last:
			e = e[1:]
		case l[0].last() <= last:
			l = l[1:]
		default:
			// Where both begin behind last, both lack the same indexes.
			from := max(e[0].index, last+1)
			if from != max(l[0].index, last+1) {
				return first, last
			}
			n := min(e[0].last(), l[0].last()) + 1 - from
			same := earlier.files[e[0].file].sameSlots(e[0].slotFrom(from), later.files[l[0].file], l[0].slotFrom(from), n)
			last = from + same - 1
			if same < n {
				return first, last
			}
		}
	}
	return first, last
}

// sameSlots is that of LogFile, of files whose tables need not be in memory. f is of the
// earlier log.
func (f *lazyFile) sameSlots(i int, other *lazyFile, j int, n uint64) uint64 {
	if i != j || !f.Attr.Same(other.Attr) || f.Identity != other.Identity {
		return 0
	}
	l := f.kept
	if l == nil {
		if f.table == other.table {
			return n
		}
		if other.kept != nil && other.kept.dropped != nil { // all were entries before
			return 0
		}
		l = f.table.loaded.Load()
	}
	if l != nil {
		if now, err := other.load(); err == nil {
			return l.sameSlots(i, now, j, n)
		}
		return 0
	}
	// The table of the earlier one is not there any more.
	if other.kept != nil && f.table.isTableOf(other.kept) || other.kept == nil && f.table.equals(&other.table.presumption) {
		return n
	}
	return 0
}

// sameSlots is how many of n slots, from slot i of l and slot j of other on, are
// the same slots of the same file.
func (l *LogFile) sameSlots(i int, other *LogFile, j int, n uint64) uint64 {
	if i != j || !l.Attr.Same(other.Attr) || l.Identity != other.Identity {
		return 0
	}
	if l.slotTable == other.slotTable {
		return n
	}
	for k := range n {
		if l.Slot(i+int(k)) != other.Slot(j+int(k)) {
			return k
		}
	}
	return n
}
