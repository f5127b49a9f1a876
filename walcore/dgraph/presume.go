package dgraph

import (
	"slices"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// presumption is what the ends of a log file let one presume of its table: that its slots are a run, its
// terms go up, and nothing is behind them.
type presumption struct {
	n           int // how many slots
	first, last format.Slot
	spans       []walcore.TermSpan // of the terms
}

// maxPresumeReads bounds how many slots are read to find out where terms change. Beyond that it
// is better to read the table.
const maxPresumeReads = 256

// presume reads the ends of a log file, of the given size, which is not the newest. ok is false if they
// do not look like those of a sound table, or cannot be read.
func presume(f file, size int64) (p presumption, ok bool) {
	in := slotFile{size: size}
	if size < format.PayloadAt {
		return p, false
	}
	s := endReader{f: f, left: maxPresumeReads}
	p.first = s.slot(0)
	goesOn := func(i int) bool { return s.slot(i).Index == p.first.Index+uint64(i) }
	if p.n = format.SlotsPerFile; !goesOn(p.n - 1) {
		p.n = sort.Search(format.SlotsPerFile, func(i int) bool { return !goesOn(i) })
		if p.n < format.SlotsPerFile && s.slot(p.n) != (format.Slot{}) {
			return p, false
		}
	}
	if p.n < 2 {
		return p, false // a lone slot has to be confirmed
	}
	p.last = s.slot(p.n - 1)
	sound := func(s format.Slot) bool {
		return s.Index > 0 && s.Index <= walcore.MaxNumber && s.Term <= walcore.MaxNumber && knownType(s.Type) && in.inPayloadArea(s.Offset)
	}
	if !sound(p.first) || !sound(p.last) || p.last.Offset < p.first.Offset+uint64(p.n-1)*format.LengthSize {
		return p, false
	}
	ok = s.addTerms(&p, 0, p.first.Term, p.n-1, p.last.Term) && s.err == nil && s.left >= 0
	return p, ok
}

// endReader reads slots one by one. Once reading has failed, they are zero.
type endReader struct {
	f    file
	left int // how many may be read
	err  error
}

func (r *endReader) slot(i int) (s format.Slot) {
	var raw [format.SlotSize]byte
	if r.left--; r.err == nil && r.left >= 0 {
		if r.err = readFull(r.f, raw[:], int64(i)*format.SlotSize); r.err == nil {
			return format.DecodeSlot(raw[:])
		}
	}
	return s
}

// addTerms adds the terms of the slots from low to high, which have these terms. It
// reports whether they go up.
func (r *endReader) addTerms(p *presumption, low int, lowTerm uint64, high int, highTerm uint64) bool {
	switch {
	case lowTerm > highTerm:
		return false
	case lowTerm == highTerm:
		first, last := p.first.Index+uint64(low), p.first.Index+uint64(high)
		if k := len(p.spans) - 1; k >= 0 && p.spans[k].Term == lowTerm {
			p.spans[k].Last = last
		} else {
			p.spans = append(p.spans, walcore.TermSpan{Term: lowTerm, First: first, Last: last})
		}
		return true
	case high == low+1:
		return r.addTerms(p, low, lowTerm, low, lowTerm) && r.addTerms(p, high, highTerm, high, highTerm)
	case r.left < 0:
		return false
	}
	middle := (low + high) / 2
	term := r.slot(middle).Term
	return r.addTerms(p, low, lowTerm, middle, term) && r.addTerms(p, middle, term, high, highTerm)
}

// holds reports whether a table is as presumed.
func (p *presumption) holds(t *slotTable) bool {
	return t.summary != nil && t.ascending && !t.mixed && len(t.leftovers) == 0 && t.used == t.Len() && t.Len() == p.n &&
		t.Slot(0) == p.first && t.Slot(p.n-1) == p.last && slices.Equal(t.summary.spans, p.spans)
}

func (p *presumption) equals(q *presumption) bool {
	return p.n == q.n && p.first == q.first && p.last == q.last && slices.Equal(p.spans, q.spans)
}

// run is the indexes of the slots.
func (p *presumption) run() run { return run{slot: 0, n: p.n, index: p.first.Index} }

// endsTheSameIn reports whether the ends are the same in f.
func (p *presumption) endsTheSameIn(f file) bool {
	s := endReader{f: f, left: maxPresumeReads}
	same := s.slot(0) == p.first && s.slot(p.n-1) == p.last
	return same && (p.n == format.SlotsPerFile || s.slot(p.n).Index == 0) && s.err == nil
}

// presumeFile reads the ends of a log file that is not the newest, or takes what the look before has
// found. It gives nil if its table is to be read.
func (r *reading) presumeFile(n *nativeFile) *lazyFile {
	t := tableFile{attr: n.Attr, f: n.f}
	t.id, _ = format.ParseFileName(n.Name)
	t.name = n.Name
	before := findLogFile(r.previous.files, n.f)
	r.identify(&t, n, before)
	var err error
	if t.header, err = readKeyHeader(n.f, n.Attr.Size); err != nil {
		return nil
	}
	f := &lazyFile{f: n.f, header: t.header}
	if before != nil && before.kept == nil && !t.emptied && before.Attr.Size == n.Attr.Size && before.Attr.Mtime.Equal(n.Attr.Mtime) &&
		before.table.endsTheSameIn(n.f) {
		f.table = before.table
	} else {
		p, ok := presume(n.f, n.Attr.Size)
		if !ok {
			return nil
		}
		f.table, f.sizesGiven = &lazyTable{presumption: p, before: t.before}, t.before != nil
		if before != nil && before.kept == nil && before.table.looked.Load() != nil && !t.emptied {
			switch {
			case p.equals(&before.table.presumption):
				f.table.looked.Store(before.table.looked.Load()) // so that it has to be what it was
			case t.before == nil: // sizes were given, and are not known any more
				t.identity += otherIdentity
			}
		}
	}
	f.File = t.newFile()
	return f
}
