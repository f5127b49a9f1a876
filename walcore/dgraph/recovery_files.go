package dgraph

import (
	"fmt"
	"slices"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// readMeta takes from wal.meta what decides about the log.
func (p *recovery) readMeta() error {
	m := p.meta
	if len(m.Faults) > 0 {
		return p.refuse(atMeta(int64(m.Faults[0].Offset)), "%s", m.Faults[0].Message)
	}
	if p.metaFile == nil || m.RaftID == nil {
		return nil // see checkReadable
	}
	p.commit, p.checkpoint = m.HardState.GetCommit(), *m.CheckpointIndex
	p.snapIndex, p.snapTerm = *m.SnapshotIndex, *m.SnapshotTerm
	p.emptying.index, p.emptying.term = m.Emptying()
	if p.snapIndex > walcore.MaxNumber || p.snapTerm > walcore.MaxNumber {
		return p.refuse(atMeta(meta.SnapshotIndexAt), "the snapshot is of index %d, term %d: no log gets there", p.snapIndex, p.snapTerm)
	}
	return nil
}

// checkReadable refuses a directory of which not all is known: what cannot be read
// may be committed.
func (p *recovery) checkReadable() error {
	for _, found := range p.problems {
		if found.File == "." || found.File == format.KeyRegistryName {
			continue
		}
		if found.Kind == walcore.KindUnreadable || found.Kind == walcore.KindNotAFile {
			return p.refuse(atFile(found.File), "%s", found.Message)
		}
	}
	for _, l := range p.tables() {
		switch {
		case l.used == 0:
		case p.metaFile == nil:
			return p.refuse(atFile(format.MetaName), "is missing beside log files with entries; restore it, if there is another one")
		case l.Attr.Size < format.PayloadAt:
			return p.refuse(atFile(l.Name), "%s are in a file of %d bytes, and one with slots has %d at least: it was cut",
				slots(0, l.used-1), l.Attr.Size, format.PayloadAt)
		}
	}
	return nil
}

// sortFiles tells files with entries from those without.
func (p *recovery) sortFiles() error {
	newest := uint64(0)
	for _, l := range p.tables() {
		switch {
		case l.used == 0:
			p.empty = append(p.empty, l)
		case len(l.runs) > 0:
			p.log = append(p.log, p.inOrder(l))
			newest = max(newest, l.ID)
		case l.Len() > 0:
			return p.refuse(atSlot(l, 0), "no slot up to slot %d is an entry of the log: %s", l.used-1, l.whyNot(0))
		case p.stale != nil:
			return p.refuse(atSlot(l, 0), "%s, and the same holds for %s", l.whyNot(0), p.stale.Name)
		default:
			p.stale = p.inOrder(l)
		}
	}
	if p.stale != nil && p.stale.ID < newest {
		return p.refuse(atSlot(p.stale.LogFile, 0), "%s, in a file that is not the last one", p.stale.why)
	}
	return nil
}

// inOrder finds how many slots, from slot 0 on, hold entries that follow one
// another.
func (p *recovery) inOrder(l *LogFile) *foundFile {
	f := &foundFile{KeptFile: KeptFile{LogFile: l, Used: l.used}}
	if l.summary != nil && l.summary.ascending && l.dropped == nil && len(l.runs) == 1 && l.runs[0].n == l.Len() {
		f.Slots = l.Len()
	} else {
		p.inOrderSlowly(f)
	}
	if f.Slots < f.Used {
		f.why = l.whyNot(f.Slots)
	}
	return f
}

func (p *recovery) inOrderSlowly(f *foundFile) {
	for k, r := range f.runs {
		if r.slot != f.Slots || k > 0 && r.index > p.snapIndex+1 {
			return
		}
		for i := r.slot; i < r.slot+r.n; i++ {
			if f.isDropped(i) || i > 0 && f.Offset(i) < f.Offset(i-1)+format.LengthSize {
				return
			}
			if i == r.slot {
				f.Obsolete = r.slot
			}
			f.Slots++
		}
	}
}

// whyNot says why a slot is not the next entry: because of the problems of the file's slots, or
// of others. Those of payload sizes are not asked unless they are given: what Recovery says does
// not depend on whether a reader has looked at them before.
func (l *LogFile) whyNot(slot int, others ...walcore.Problem) string {
	for _, list := range [][]walcore.Problem{l.problems.list, others} {
		for _, found := range list {
			if found.Slot >= 0 && slot >= found.Slot && slot < found.Slot+max(found.Slots, 1) && found.Kind != walcore.KindType {
				return found.Message
			}
		}
	}
	switch {
	case slot == l.Len() && l.used == slot+1:
		return "the slot is half written: it has no index"
	case slot == l.Len():
		return "the slot is empty and slots behind it are not"
	case slot > 0 && l.Offset(slot) < l.Offset(slot-1)+format.LengthSize:
		return fmt.Sprintf("the data offset %d follows %d", l.Offset(slot), l.Offset(slot-1))
	}
	return "the slot does not follow the one before"
}

// checkWhole refuses a log in which any file but the last one ends before its
// slots do, and finds where the payloads end.
func (p *recovery) checkWhole() error {
	for k, f := range p.log {
		last := k == len(p.log)-1
		if f.Slots < f.Used && (!last || p.stale != nil) {
			return p.refuse(atSlot(f.LogFile, f.Slots), "%s: the log does not end with %s", f.why, slots(f.Slots, f.Used-1))
		}
		if err := p.findPayloadEnd(f, last); err != nil {
			return err
		}
	}
	return nil
}

// findPayloadEnd finds where the last kept slot's payload ends.
func (p *recovery) findPayloadEnd(f *foundFile, last bool) error {
	i := f.Slots - 1
	at := int64(f.Offset(i))
	n, err := f.asFull().lengthAt(i)
	if err != nil {
		return walcore.SlotError(f.Name, i, err).At(f.Offset(i))
	}
	f.End = at + format.LengthSize + int64(n)
	switch beyond := f.End > f.Attr.Size; {
	case p.emptying.covers(f.Slot(i)):
		if beyond {
			f.End = at + format.LengthSize
		}
	case beyond:
		return p.refuse(atSlot(f.LogFile, i), "the payload claims %d bytes, the file ends at %d", n, f.Attr.Size)
	case !last && !p.endsTheFile(f, i, n):
		return p.refuse(atSlot(f.LogFile, i), "the payload claims %d bytes and ends at %d, but the file at %d: it is full, and ends with its last payload",
			n, f.End, f.Attr.Size)
	}
	return nil
}

// endsTheFile reports whether the payload of a full file's last slot, with its length,
// ends where the file does, or before a gap that writers leave.
func (p *recovery) endsTheFile(f *foundFile, i int, length uint32) bool {
	gap := format.Gap{Bytes: f.Attr.Size - f.End, Size: length, Type: f.Type(i), Sum: f.Sum(i)}
	return f.legal(gap, f.End, func() bool {
		l := f.asFull()
		full, err := format.LeftFull(i, l.slotWithRoom, l.lengthAt)
		return full || err != nil || leftFull(f.earlier, p.emptying)
	})
}

// checkOrder refuses a log whose files do not follow one another.
func (p *recovery) checkOrder() error {
	for i, f := range p.log {
		want, before := p.snapIndex+1, ""
		if i > 0 {
			want, before = p.log[i-1].last()+1, p.log[i-1].Name
		}
		switch first := f.first(); {
		case i == 0 && (p.snapIndex == 0 || first <= want):
		case first > want:
			return p.refuse(atSlot(f.LogFile, f.Obsolete), "entries %d to %d are missing before it", want, first-1)
		case first < want:
			return p.refuse(atSlot(f.LogFile, f.Obsolete), "%s holds entries up to %d, this file begins at %d", before, want-1, first)
		case i > 0 && f.Term(f.Obsolete) < p.log[i-1].lastTerm():
			return p.refuse(atSlot(f.LogFile, f.Obsolete), "term %d after term %d in %s", f.Term(f.Obsolete), p.log[i-1].lastTerm(), before)
		}
	}
	return nil
}

// removeEmpty removes files without slots. One that was full, and has lost them,
// leaves a hole in the log, unless it was the first one.
func (p *recovery) removeEmpty() error {
	for _, l := range p.empty {
		isFirst := p.snapIndex == 0 && len(p.log) > 0 && p.log[0].first() > 1 &&
			!slices.ContainsFunc(p.log, func(f *foundFile) bool { return f.ID < l.ID })
		if isFirst {
			return p.refuse(atFile(l.Name), "has no slots, and the log begins at %d in a later file: what was before may be in it", p.log[0].first())
		}
		p.plan.Removed = append(p.plan.Removed, walcore.FileProblem(l.Name, walcore.KindEmptyFile, "the file has no slots"))
	}
	return nil
}
