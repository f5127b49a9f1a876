package etcd

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"sort"
	"sync"

	"github.com/walfs/walfs/walcore"
)

// log is the entries of all segments, by index.
type log struct {
	files    []*logFile
	spans    []span // upwards
	terms    []walcore.TermSpan
	lost     []gap
	lostEnd  bool // records behind the last one are lost
	replaced *replacedList
}

// Terms are the terms that have entries, upwards.
func (l *log) Terms() []walcore.TermSpan { return l.terms }

// Entry finds the entry with an index. It fails with ErrNoEntry outside the log, and with
// ErrDamaged inside it where the entry is lost.
func (l *log) Entry(index uint64) (walcore.Entry, error) {
	if k := l.firstFrom(index); k < len(l.spans) && l.spans[k].index <= index {
		s := l.spans[k]
		return l.files[s.segment].entry(s, int(index-s.index)), nil
	}
	if err := l.Gap(index, index); err != nil {
		return walcore.Entry{}, err
	}
	if len(l.spans) == 0 {
		return walcore.Entry{}, fmt.Errorf("entry %d: %w; the log is empty", index, walcore.ErrNoEntry)
	}
	return walcore.Entry{}, fmt.Errorf("entry %d: %w; the log holds %d to %d", index, walcore.ErrNoEntry, l.spans[0].index, l.last())
}

// Gap fails with ErrDamaged if the log once held an entry from first to last that is lost.
// Of what is lost behind the end, only the next index is known.
func (l *log) Gap(first, last uint64) error {
	lost := l.lost
	if l.lostEnd {
		lost = append(slices.Clip(lost), gap{l.last() + 1, l.last() + 1, true})
	}
	k := sort.Search(len(lost), func(k int) bool { return lost[k].last >= first })
	if first > last || k == len(lost) || lost[k].first > last {
		return nil
	}
	return fmt.Errorf("entry %d was in a part of the log that is lost (the problems say where): %w", max(first, lost[k].first), walcore.ErrDamaged)
}

// last is the last entry's index, 0 if there is none.
func (l *log) last() uint64 { return endOf(l.spans) - 1 }

func (l *log) firstFrom(index uint64) int {
	return sort.Search(len(l.spans), func(k int) bool { return l.spans[k].end() > index })
}

// Entries goes through the entries with an index of at least from, upwards.
func (l *log) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		for _, s := range l.spans[l.firstFrom(from):] {
			if !l.files[s.segment].yield(s.from(from), yield) {
				return
			}
		}
	}
}

// Outline is Entries: sums are made when the segments are read, and again with each payload.
func (l *log) Outline(from uint64) iter.Seq[walcore.Entry] { return l.Entries(from) }

// Replaced goes through the entries that a later leader has replaced, by index and term.
func (l *log) Replaced(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		list := l.replaced.sorted(l)
		k := sort.Search(len(list), func(k int) bool { return list[k].index >= from })
		for _, r := range list[k:] {
			s := l.replaced.spans[r.span]
			if !yield(l.files[s.segment].entry(s, int(r.index-s.index))) {
				return
			}
		}
	}
}

// replacedList is put in order when somebody asks for it.
type replacedList struct {
	spans []span // in the order of their records
	once  sync.Once
	list  []replacedEntry // by index and term
}

type replacedEntry struct {
	index uint64
	span  int32
}

// sorted gives the list. An entry can be replaced and come back, with another leader that had
// it too: of the same index, term and bytes only one is listed, and none if it is in the log.
func (r *replacedList) sorted(l *log) []replacedEntry {
	r.once.Do(func() {
		for i, s := range r.spans {
			for index := s.index; index < s.end(); index++ {
				r.list = append(r.list, replacedEntry{index, int32(i)})
			}
		}
		slices.SortStableFunc(r.list, func(a, b replacedEntry) int {
			return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(r.spans[a.span].term, r.spans[b.span].term))
		})
		var before walcore.Entry
		kept := r.list[:0]
		for _, e := range r.list {
			s := r.spans[e.span]
			now := l.files[s.segment].entry(s, int(e.index-s.index))
			inLog, err := l.Entry(e.index)
			if sameEntry(&now, &before) || err == nil && sameEntry(&now, &inLog) {
				continue
			}
			before, kept = now, append(kept, e)
		}
		r.list = slices.Clip(kept)
	})
	return r.list
}

// sameEntry reports whether two records are of the same entry. A leader gives an index one
// entry in its term.
func sameEntry(a, b *walcore.Entry) bool {
	return a.Index == b.Index && a.Term == b.Term && a.Type == b.Type && a.Size == b.Size
}

// unchanged is the range of indexes that are in the same slots of the same files as in an
// earlier log of the directory.
func (l *log) unchanged(earlier *log) (first, last uint64) {
	a, b := earlier.spans, l.spans
	if len(a) == 0 || len(b) == 0 {
		return 1, 0
	}
	first = max(a[0].index, b[0].index)
	last = first - 1
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].end() <= last+1:
			a = a[1:]
			continue
		case b[0].end() <= last+1:
			b = b[1:]
			continue
		}
		x, y := a[0].from(last+1), b[0].from(last+1)
		// Where both begin behind last, both lack the same indexes.
		if x.index != y.index || x.slot != y.slot || x.term != y.term || earlier.files[x.segment].of != l.files[y.segment].of {
			return first, last
		}
		last = min(x.end(), y.end()) - 1
	}
	return first, last
}
