package dgraph

import (
	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// Only the last file can have been written to when a crash came. What a crash can
// have left there is dropped, unless something says that it was committed.

// emptyingNote is wal.meta's: the payloads up to the entry with this index and term
// are being emptied, and their lengths are on the way to 0.
type emptyingNote struct{ index, term uint64 }

// covers reports whether a slot's payload may be one that is being emptied.
func (e emptyingNote) covers(s format.Slot) bool {
	return s.Index <= e.index && s.Term <= e.term && format.CanBeEmptied(s.Type, s.Sum)
}

// checkNote forgets a note that is about an entry which is not in the log.
func (p *recovery) checkNote() {
	for _, f := range p.log {
		if f.Slots > 0 && p.emptying.index >= f.first() && p.emptying.index <= f.last() &&
			f.Term(f.Obsolete+int(p.emptying.index-f.first())) == p.emptying.term {
			return
		}
	}
	p.emptying = emptyingNote{}
}

// findEnd finds how many slots of the last file are kept.
func (p *recovery) findEnd() error {
	p.checkNote()
	k := len(p.log) - 1
	if p.end = p.stale; k < 0 || p.stale != nil {
		return nil
	}
	f := p.log[k]
	slotsFit := f.Slots == f.Len()
	if err := p.checkPayloads(f); err != nil {
		return err
	}
	if f.Slots == f.Used {
		return nil
	}
	p.end = f
	if !slotsFit || !f.tornWithChecksum() {
		if from, to, found := p.readableFrom(f); found {
			return p.refuse(atSlot(f.LogFile, f.Slots), "%s, and entries behind it can be read, in %s", f.why, slots(from, to))
		}
	}
	if f.Slots == 0 {
		p.log, p.stale = p.log[:k], f
	}
	return nil
}

// tornWithChecksum reports whether the slot behind those that are kept can be that of
// an append with checksums, of which a crash has left some and not the rest: slots
// and payloads are written in any order then. A slot is written whole, so that it
// leads to where the payload before it ends.
func (f *foundFile) tornWithChecksum() bool {
	n := f.Slots
	for i := n; i < f.Len(); i++ {
		if f.Sum(i) == 0 {
			return false
		}
	}
	if n == f.Len() {
		return false
	}
	begin, gap := int64(format.PayloadAt), format.Gap{Type: format.NoEntry}
	if n > 0 {
		size, _ := f.size(n - 1)
		begin = int64(f.Offset(n-1)) + format.LengthSize + int64(size)
		gap = format.Gap{Size: size, Type: f.Type(n - 1), Sum: f.Sum(n - 1)}
	}
	gap.Bytes = int64(f.Offset(n)) - begin
	return f.legal(gap, begin, func() bool { return false })
}

// legal reports whether a writer leaves a gap at an offset.
func (l *LogFile) legal(gap format.Gap, begin int64, emptyingEnded func() bool) bool {
	gap.Encrypted = l.mayBeEncrypted
	return gap.Legal(format.Evidence{
		EmptyingEnded: emptyingEnded,
		Read:          func(p []byte, at int64) bool { return readFull(l.f, p, begin+at) == nil },
	})
}

// checkPayloads keeps the slots up to the first one whose payload is not there, or
// has another checksum. Those that the snapshot has replaced do not matter.
func (p *recovery) checkPayloads(f *foundFile) error {
	sizes := p.sizesOf(f.LogFile)
	from := 0
	for from < f.Slots && f.Index(from) <= p.snapIndex {
		from++
	}
	for i := from; i < f.Slots; i++ {
		if !sizes.whole(i) {
			f.keep(i, sizes.whyNot(i))
		}
	}
	bad, err := f.firstBadChecksum(from, f.Slots)
	if err != nil {
		return err
	}
	if bad < f.Slots {
		f.keep(bad, "its checksum is wrong: the payload was not written, or is damaged")
	}
	for f.Slots > 0 && !sizes.whole(f.Slots-1) {
		f.keep(f.Slots-1, sizes.whyNot(f.Slots-1))
	}
	return nil
}

// payloadSizes tells which payloads of a file are there.
type payloadSizes struct {
	whole  func(i int) bool
	whyNot func(i int) string
}

// sizesOf checks the payloads' lengths. Those that are being emptied count as
// empty: they soon will be.
func (p *recovery) sizesOf(l *LogFile) payloadSizes {
	l.loadSizes()
	if p.emptying.index == 0 {
		return payloadSizes{func(i int) bool { _, ok := l.size(i); return ok },
			func(i int) string { return l.whyNot(i, l.sizesProblems.list...) }}
	}
	in := l.readLengths(nil)
	in.endedEarlier = func() bool { return leftFull(l.earlier, p.emptying) }
	for i := range in.entries.from(0) {
		if i < in.end && p.emptying.covers(l.Slot(i)) {
			in.lengths[i] = 0
			delete(in.failed, i)
		}
	}
	faults := map[int]string{}
	for _, f := range findSizeFaults(in).list {
		faults[f.slot] = f.message
	}
	return payloadSizes{func(i int) bool { _, bad := faults[i]; return !bad && !l.isDropped(i) }, func(i int) string {
		if why, ok := faults[i]; ok {
			return why
		}
		return l.whyNot(i)
	}}
}

// readableFrom gives the first and the last slot behind those that are kept whose
// entry can be read.
func (p *recovery) readableFrom(f *foundFile) (from, to int, found bool) {
	for _, r := range f.runs {
		for i := max(r.slot, f.Slots); i < r.slot+r.n; i++ {
			size, whole := f.size(i)
			if !whole {
				continue
			}
			if e := f.entryOf(i, size); f.verify(&e) != nil {
				continue
			}
			if !found {
				from = i
			}
			to, found = i, true
		}
	}
	return from, to, found
}

// checkEnd refuses a log that ends before what was committed, and to drop anything
// that may have been.
func (p *recovery) checkEnd() error {
	last, term := p.snapIndex, p.snapTerm
	if k := len(p.log) - 1; k >= 0 {
		last, term = max(last, p.log[k].last()), max(term, p.log[k].lastTerm())
	}
	committed := max(p.commit, p.checkpoint)
	if p.end == nil {
		if committed <= last {
			return nil
		}
		return p.refuse(atMeta(meta.HardStateAt).OfEntry(committed), "%s, the log ends at %d: entries are lost", p.committedText(), last)
	}
	at, lost := atSlot(p.end.LogFile, p.end.Slots), slots(p.end.Slots, p.end.Used-1)
	switch {
	case committed > last:
		return p.refuse(at, "%s: %s would be dropped, but %s", p.end.why, lost, p.committedText())
	case !p.believed(term):
		return p.refuse(at, "%s: %s would be dropped, and may be committed: the hard state's term is %d, the log's is %d",
			p.end.why, lost, p.meta.HardState.GetTerm(), term)
	}
	return nil
}

// keepLog puts down what is kept, and what is dropped behind it.
func (p *recovery) keepLog() error {
	for _, f := range p.log {
		p.plan.Files = append(p.plan.Files, f.KeptFile)
	}
	switch k := len(p.log) - 1; {
	case p.stale != nil:
		p.plan.Removed = append(p.plan.Removed, walcore.SlotProblem(p.stale.Name, 0, walcore.KindTorn, "no sound slot: "+p.stale.why))
	case k >= 0 && p.log[k] == p.end:
		f := p.end
		p.plan.Dropped = append(p.plan.Dropped, walcore.SlotProblem(f.Name, f.Slots, walcore.KindTorn, f.why).
			At(uint64(f.Slots)*format.SlotSize).OfEntry(f.last()+1))
	}
	return nil
}
