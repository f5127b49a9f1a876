package dgraph

import (
	"fmt"
	"iter"
	"sort"

	"github.com/walfs/walfs/walcore"
)

// log is the entries of a directory: those of all its log files, by index.
type log struct {
	files  []*LogFile         // by first index; those without entries last
	unread []uint64           // ids of files whose slots are not known
	spans  []span             // upwards, without overlap
	terms  []walcore.TermSpan // upwards
}

// span is a run of indexes and the file that holds it.
type span struct {
	run
	file *LogFile
	lost bool // the indexes between the span before and this one are damage
}

// newLog puts files, each ordered in itself, one after the other. unread are the
// ids of those whose slots are not known. Indexes up to snapshot may be missing:
// a follower that lagged has got a snapshot instead. hard is the hard state's
// term, 0 if it is not known.
func newLog(files []*LogFile, unread []uint64, snapshot, hard uint64) *log {
	for _, f := range files {
		f.order(snapshot)
	}
	sort.SliceStable(files, func(i, j int) bool {
		a, b := files[i], files[j]
		if len(a.runs) == 0 || len(b.runs) == 0 {
			return len(a.runs) > len(b.runs)
		}
		if a.runs[0].index != b.runs[0].index {
			return a.runs[0].index < b.runs[0].index
		}
		return a.ID < b.ID
	})
	l := &log{files: files, unread: unread}
	terms := termOrder{hard: hard}
	for _, f := range files {
		chain := f.runs
		f.runs = nil
		for _, r := range chain {
			if r = l.clip(f, r); r.n > 0 {
				l.take(f, r, snapshot, &terms)
			}
		}
	}
	for _, s := range l.spans {
		if s.file.summary != nil && s.file.dropped == nil {
			for _, t := range s.file.summary.spans {
				l.countTerm(t.Term, max(t.First, s.index), min(t.Last, s.last()))
			}
			continue
		}
		for i := s.slot; i < s.slot+s.n; i++ {
			if !s.file.isDropped(i) {
				index := s.index + uint64(i-s.slot)
				l.countTerm(s.file.Term(i), index, index)
			}
		}
	}
	return l
}

func (l *log) last() uint64 {
	if len(l.spans) == 0 {
		return 0
	}
	return l.spans[len(l.spans)-1].last()
}

// clip reports the part of r that the log has already, and gives the rest. An
// index with two terms belongs to neither: nothing here tells which one a
// leader has kept.
func (l *log) clip(f *LogFile, r run) run {
	for r.n > 0 && r.index <= l.last() {
		s := f.Slot(r.slot)
		old, i, ok := l.find(r.index)
		switch {
		case f.isDropped(r.slot):
		case !ok || old.isDropped(i) && old.Slot(i).Term == s.Term:
			f.problems.slot(f.Name, r.slot, s, walcore.KindOrder, "the index lies between those of a file before")
		case old.Slot(i).Term == s.Term:
			f.problems.slot(f.Name, r.slot, s, walcore.KindDuplicate, fmt.Sprintf("%s slot %d holds the same entry", old.Name, i))
		default:
			old.drop(i)
			f.problems.slot(f.Name, r.slot, s, walcore.KindConflict, fmt.Sprintf(
				"term %d here, term %d in %s slot %d: neither is shown", s.Term, old.Slot(i).Term, old.Name, i))
		}
		r = run{slot: r.slot + 1, n: r.n - 1, index: r.index + 1}
	}
	return r
}

// take adds r to the log.
func (l *log) take(f *LogFile, r run, snapshot uint64, terms *termOrder) {
	lost := false
	if k := len(l.spans) - 1; k >= 0 && r.index > l.last()+1 {
		prev := l.spans[k]
		if prev.file == f {
			lost = entriesLostBetween(prev.run, r, snapshot)
		} else {
			lost = r.index-1 > snapshot
		}
		if from := l.last() + 1; lost {
			message := fmt.Sprintf("entries %d to %d are in none of the slots", from, r.index-1)
			if name, ok := l.unreadBetween(prev.file.ID, f.ID); ok {
				message += fmt.Sprintf(" that can be read; they may be in %s", name)
			}
			f.problems.add(walcore.Problem{File: f.Name, Slot: r.slot, Index: from, Kind: walcore.KindHole, Message: message})
		}
	}
	terms.check(f, r)
	f.runs = append(f.runs, r)
	l.spans = append(l.spans, span{run: r, file: f, lost: lost})
}

// countTerm takes note of entries of a term that follow those before, if there
// are any.
func (l *log) countTerm(term, first, last uint64) {
	if first > last {
		return
	}
	n := int(last - first + 1)
	if k := len(l.terms) - 1; k >= 0 && l.terms[k].Term == term {
		l.terms[k].Last = last
		l.terms[k].Count += n
		return
	}
	l.terms = append(l.terms, walcore.TermSpan{Term: term, First: first, Last: last, Count: n})
}

// find gives the slot that claims an index.
func (l *log) find(index uint64) (f *LogFile, slot int, ok bool) {
	k := sort.Search(len(l.spans), func(k int) bool { return l.spans[k].last() >= index })
	if k == len(l.spans) || index < l.spans[k].index {
		return nil, 0, false
	}
	s := l.spans[k]
	return s.file, s.slot + int(index-s.index), true
}

// Terms are the terms that have entries, upwards.
func (l *log) Terms() []walcore.TermSpan { return l.terms }

// Entry finds the entry with an index. It fails with ErrNoEntry outside the
// log, and with ErrDamaged inside it where the entry is not whole, or where it
// may be in a log file that cannot be read.
func (l *log) Entry(index uint64) (walcore.Entry, error) {
	f, i, ok := l.find(index)
	if ok {
		if e, whole := f.entry(i); whole {
			return e, nil
		}
		return walcore.Entry{}, &walcore.Error{File: f.Name, Slot: i, Offset: f.Slot(i).Offset, Index: index, Err: walcore.ErrDamaged}
	}
	if name, may := l.mayBeIn(index); may {
		return walcore.Entry{}, fmt.Errorf("entry %d may be in %s, whose slots cannot be read: %w", index, name, walcore.ErrDamaged)
	}
	if l.lost(index) {
		return walcore.Entry{}, fmt.Errorf("entry %d is missing between others: %w", index, walcore.ErrDamaged)
	}
	if len(l.spans) == 0 {
		return walcore.Entry{}, fmt.Errorf("entry %d: %w; the log is empty", index, walcore.ErrNoEntry)
	}
	return walcore.Entry{}, fmt.Errorf("entry %d: %w; the log holds %d to %d", index, walcore.ErrNoEntry, l.spans[0].index, l.last())
}

// lost reports whether an index that no slot claims was once in the log: there
// are slots where its own would be, but they are damaged, or files are gone.
func (l *log) lost(index uint64) bool {
	if len(l.spans) == 0 {
		return false
	}
	if first := l.spans[0]; index < first.index {
		return index+uint64(first.slot) >= first.index
	}
	if last := l.spans[len(l.spans)-1]; index > last.last() {
		return index-last.last() <= uint64(last.file.Len()-last.slot-last.n)
	}
	k := sort.Search(len(l.spans), func(k int) bool { return l.spans[k].index > index })
	return l.spans[k].lost
}

// Entries goes through the whole entries with an index of at least from,
// upwards.
func (l *log) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		k := sort.Search(len(l.spans), func(k int) bool { return l.spans[k].last() >= from })
		for ; k < len(l.spans); k++ {
			if !l.spans[k].file.yield(l.spans[k].run, from, yield) {
				return
			}
		}
	}
}

// Entries goes through the file's whole entries with an index of at least
// from, upwards.
func (l *LogFile) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		k := sort.Search(len(l.runs), func(k int) bool { return l.runs[k].last() >= from })
		for ; k < len(l.runs); k++ {
			if !l.yield(l.runs[k], from, yield) {
				return
			}
		}
	}
}

func (l *LogFile) yield(r run, from uint64, yield func(walcore.Entry) bool) bool {
	i := r.slot
	if from > r.index {
		i += int(from - r.index)
	}
	for ; i < r.slot+r.n; i++ {
		if e, whole := l.entry(i); whole && !yield(e) {
			return false
		}
	}
	return true
}

// entry gives the entry of a slot that is in a run, if it is whole.
func (l *LogFile) entry(i int) (walcore.Entry, bool) {
	l.loadSizes()
	if l.isDropped(i) {
		return walcore.Entry{}, false
	}
	size, ok := l.sizes.at(i)
	if !ok {
		return walcore.Entry{}, false
	}
	return l.entryOf(i, int64(size)), true
}

func (l *LogFile) entryOf(i int, size int64) walcore.Entry {
	return walcore.Entry{Term: l.Term(i), Index: l.Index(i), Type: walcore.EntryType(l.Type(i)), Size: size,
		Offset: l.Offset(i), Slot: i, File: &l.File}
}
