package hashicorp

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"sort"

	"github.com/walfs/walfs/walcore"
)

// part is a log file, and what it has of the log.
type part struct {
	file walcore.File // without its Source
	f    *openFile    // nil: it could not be opened
	base uint64       // an entry's number in the file is its index without base
	table
	cut        table // entries behind the log's, which were in it once
	damages    []damage
	problems   []walcore.Problem
	unreadable bool
	moved      func(index uint64, s *slot) ([]byte, error)
}

// log is the entries of all parts, in order.
type log struct {
	files      []*logFile
	spans      []logSpan
	damages    []damage // by index
	reach      []uint64 // of each damage: the last index that it or one before it has
	terms      []walcore.TermSpan
	replaced   []walcore.Entry // by index and term
	unreadable []string
	problems   []walcore.Problem // of files
	snapshot   uint64            // the newest one's index; 0: there is none
}

// logSpan is a span of a log file.
type logSpan struct {
	span
	in *logFile
}

// newLog puts parts together. current is the node's term, or above all if it is not known.
// Files that are as in previous stay the same.
func newLog(parts []part, current, snapshot uint64, previous *log) *log {
	l := &log{snapshot: snapshot}
	if above(parts, current) > above(parts, 0)/2 {
		l.problems = append(l.problems, walcore.FileProblem(parts[0].file.Name, walcore.KindHardState,
			fmt.Sprintf("the node's term is %d, and most entries are of later ones", current)))
		current = math.MaxUint64
	}
	checkTerms(parts, current)
	for i := range parts {
		p := &parts[i]
		f := previous.sameFile(p)
		if f == nil {
			f = &logFile{File: p.file, table: p.table, base: p.base, f: p.f, moved: p.moved}
			f.Source = f
		}
		l.files = append(l.files, f)
		for _, s := range f.spans {
			l.spans = append(l.spans, logSpan{s, f})
		}
		l.damages = append(l.damages, p.damages...)
		l.problems = append(l.problems, p.problems...)
		if p.unreadable {
			l.unreadable = append(l.unreadable, p.file.Name)
		}
	}
	l.sortDamages()
	l.addHoles()
	for _, d := range l.damages {
		p := d.Problem
		if d.run {
			p.Message += fmt.Sprintf("; entries %d to %d cannot be read", d.first, d.last)
		}
		l.problems = append(l.problems, p)
	}
	l.countTerms()
	for i := range parts {
		l.addReplaced(&parts[i])
	}
	slices.SortStableFunc(l.replaced, func(a, b walcore.Entry) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Term, b.Term))
	})
	// Those without entries last.
	slices.SortStableFunc(l.files, func(a, b *logFile) int { return cmp.Compare(min(1, len(b.spans)), min(1, len(a.spans))) })
	return l
}

// sameFile gives the log file of an earlier log that a part is, if nothing of it has changed.
func (l *log) sameFile(p *part) *logFile {
	if l == nil {
		return nil
	}
	for _, f := range l.files {
		if f.f == p.f && f.Attr == p.file.Attr && slices.Equal(f.spans, p.spans) && sameSlots(f.slots, p.slots) {
			return f
		}
	}
	return nil
}

func sameSlots(a, b []slot) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// above counts the entries of terms above one.
func above(parts []part, term uint64) (n int) {
	for _, p := range parts {
		for _, s := range p.spans {
			if s.term > term {
				n += s.n
			}
		}
	}
	return n
}

// checkTerms takes entries out whose term is damaged. Terms never go down, and none is above the
// node's own. Where they go down, the fewer entries are taken for the damaged ones, and both if
// there are as many.
func checkTerms(parts []part, current uint64) {
	type place struct {
		part *part
		span
	}
	var kept []place
	bad := map[place]bool{}
	drop := func(p place, other span) {
		message := fmt.Errorf("term %d beside term %d of entry %d: one of the two is damaged", p.term, other.term, other.index)
		if p.term > current {
			message = fmt.Errorf("term %d, and the node has only reached term %d", p.term, current)
		}
		p.part.damages = append(p.part.damages, damaged(p.part.file.Name, walcore.KindTerm, p.index, p.last(), p.part.slots[p.slot].at, message))
		bad[p] = true
	}
	for i := range parts {
		for _, s := range parts[i].spans {
			now := place{&parts[i], s}
			if s.term > current {
				drop(now, span{})
			}
			for !bad[now] && len(kept) > 0 && kept[len(kept)-1].term > s.term {
				before := kept[len(kept)-1]
				if before.n <= s.n {
					drop(before, s)
					kept = kept[:len(kept)-1]
				}
				if before.n >= s.n {
					drop(now, before.span)
				}
			}
			if !bad[now] {
				kept = append(kept, now)
			}
		}
	}
	if len(bad) == 0 {
		return
	}
	for i := range parts {
		p := &parts[i]
		p.spans = slices.DeleteFunc(slices.Clone(p.spans), func(s span) bool { return bad[place{p, s}] })
	}
}

// addHoles finds indexes that are in no file, and that no snapshot explains.
func (l *log) addHoles() {
	var holes []damage
	for k := 1; k < len(l.spans); k++ {
		first, last := l.spans[k-1].last()+1, l.spans[k].index-1
		if first <= last && last > l.snapshot && l.damage(first, last) == nil {
			holes = append(holes, damaged(l.spans[k].in.Name, walcore.KindHole, first, last, 0, fmt.Errorf("no entry is stored for them")))
		}
	}
	l.damages = append(l.damages, holes...)
	l.sortDamages()
}

func (l *log) sortDamages() {
	slices.SortStableFunc(l.damages, func(a, b damage) int { return cmp.Compare(a.first, b.first) })
	l.reach = l.reach[:0]
	last := uint64(0)
	for _, d := range l.damages {
		last = max(last, d.last)
		l.reach = append(l.reach, last)
	}
}

// damage gives the first damage that has any index from first to last, or nil.
func (l *log) damage(first, last uint64) *damage {
	i, _ := slices.BinarySearch(l.reach, first)
	if i == len(l.damages) || l.damages[i].first > last {
		return nil
	}
	return &l.damages[i]
}

// countTerms counts the entries of each term. Damaged ones between two of a term are of it.
func (l *log) countTerms() {
	for _, s := range l.spans {
		k := len(l.terms) - 1
		if k < 0 || l.terms[k].Term != s.term {
			l.terms = append(l.terms, walcore.TermSpan{Term: s.term, First: s.index, Last: s.last(), Count: s.n})
			continue
		}
		t := &l.terms[k]
		if d := l.damage(t.Last+1, s.index-1); t.Last+1 < s.index && d != nil {
			t.Count += int(s.index - 1 - t.Last)
		}
		t.Last = s.last()
		t.Count += s.n
	}
}

// addReplaced finds which of the entries behind the log's a later leader has replaced: the log
// goes on in a higher term where they were.
func (l *log) addReplaced(p *part) {
	if len(p.cut.spans) == 0 {
		return
	}
	from := &logFile{File: p.file, table: p.cut, base: p.base, f: p.f}
	from.Source = from
	for _, s := range p.cut.spans {
		from.entries(s, func(e walcore.Entry) bool {
			if k := l.spanOf(e.Index); k < len(l.spans) && l.spans[k].index <= e.Index && l.spans[k].term > e.Term {
				l.replaced = append(l.replaced, e)
			}
			return true
		})
	}
}

// spanOf gives the number of the first span that ends at index or above.
func (l *log) spanOf(index uint64) int {
	return sort.Search(len(l.spans), func(k int) bool { return l.spans[k].last() >= index })
}

// FirstIndex is the first entry's, as the library's LogStore answers it, or else the one after
// the snapshot's.
func (l *log) FirstIndex() (index uint64, known bool) {
	switch {
	case len(l.damages) > 0 && (len(l.spans) == 0 || l.damages[0].first < l.spans[0].index):
		return l.damages[0].first, l.damages[0].first > 0
	case len(l.spans) == 0:
		return l.snapshot + 1, true
	}
	return l.spans[0].index, true
}

// LastIndex is the last entry's, or else the snapshot's.
func (l *log) LastIndex() (index uint64, known bool) {
	last := l.snapshot
	if len(l.spans) > 0 {
		last = l.spans[len(l.spans)-1].last()
	}
	if n := len(l.reach); n > 0 {
		last = max(last, l.reach[n-1])
	}
	return last, last != math.MaxUint64
}

// Terms are the terms that have entries, upwards.
func (l *log) Terms() []walcore.TermSpan { return l.terms }

// Entry finds the entry with an index.
func (l *log) Entry(index uint64) (walcore.Entry, error) {
	if k := l.spanOf(index); k < len(l.spans) && l.spans[k].index <= index {
		s := l.spans[k]
		return s.in.entry(index, s.term, s.slot+int(index-s.index)), nil
	}
	if err := l.Gap(index, index); err != nil {
		return walcore.Entry{}, err
	}
	return walcore.Entry{}, fmt.Errorf("entry %d: %w", index, walcore.ErrNoEntry)
}

// Entries goes through the whole entries with an index of at least from, upwards.
func (l *log) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		for k := l.spanOf(from); k < len(l.spans); k++ {
			if !l.spans[k].in.entries(l.spans[k].span.from(from), yield) {
				return
			}
		}
	}
}

// Outline is Entries: their sizes are known.
func (l *log) Outline(from uint64) iter.Seq[walcore.Entry] { return l.Entries(from) }

// Gap fails with walcore.ErrDamaged if the log once had an entry from first to last that cannot
// be read.
func (l *log) Gap(first, last uint64) error {
	if d := l.damage(max(first, 1), last); d != nil && first <= last {
		if d.run { // the offset is that of the first one
			return fmt.Errorf("entry %d: as those before it: %w", max(first, d.first), d.err)
		}
		return d.err
	}
	return nil
}

// Replaced goes through the entries of a later leader's making that are still in a segment.
func (l *log) Replaced(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		for _, e := range l.replaced {
			if e.Index >= from && !yield(e) {
				return
			}
		}
	}
}

// Files are the log files, in the log's order; those without entries last.
func (l *log) Files() []*walcore.File {
	files := make([]*walcore.File, len(l.files))
	for i, f := range l.files {
		files[i] = &f.File
	}
	return files
}

// Unindexed names a log file for which it is not known which entries are in it.
func (l *log) Unindexed() (name string, ok bool) {
	if len(l.unreadable) == 0 {
		return "", false
	}
	return l.unreadable[0], true
}

// unchanged is the range of indexes in which both logs have the same entries.
func unchanged(earlier, later *log) (first, last uint64) {
	e, l := earlier.spans, later.spans
	if len(e) == 0 || len(l) == 0 {
		return 1, 0
	}
	first = max(e[0].index, l[0].index)
	last = first - 1
	for i, j := earlier.spanOf(first), later.spanOf(first); i < len(e) && j < len(l); {
		a, b := e[i].from(last+1), l[j].from(last+1)
		if a.index != b.index || a.term != b.term || e[i].in.Identity != l[j].in.Identity {
			return first, last
		}
		n := min(a.n, b.n)
		x, y := e[i].in.slots[a.slot:][:n], l[j].in.slots[b.slot:][:n]
		for k := range n {
			if &x[k] != &y[k] && !x[k].sameValue(&y[k]) {
				return first, last
			}
			last++
		}
		if a.n == n {
			i++
		}
		if b.n == n {
			j++
		}
	}
	return first, last
}
