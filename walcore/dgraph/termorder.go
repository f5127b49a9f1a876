package dgraph

import (
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// termOrder checks that terms never go down.
type termOrder struct {
	hard uint64 // the hard state's term, which no entry's exceeds; 0: not known
	last uint64 // the highest so far
	// behind is the first slot of the file after the one that is checked; nil: there is none.
	behind *format.Slot
}

// slotsPerSector: a disk writes sectors of at least 512 bytes whole.
const slotsPerSector = 512 / format.SlotSize

// check drops the slots of a run whose term is out of order.
func (o *termOrder) check(b *orderBuilder, file int, r run) {
	f, end := b.files[file], r.slot+r.n
	if f.summary != nil && b.found[file].dropped == nil && f.Term(r.slot) >= o.last && !o.tooHigh(f.slotTable, end-1, end) {
		o.last = f.Term(end - 1)
		return
	}
	for i := r.slot; i < end; i++ {
		term := f.Term(i)
		switch {
		case b.found[file].isDropped(i):
		case term < o.last:
			b.drop(file, i)
			b.report(file, i, walcore.KindTerm, "term %d after term %d: left from before a rewrite, or one of the two is damaged", term, o.last)
		case o.tooHigh(f.slotTable, i, end):
			b.drop(file, i)
			b.report(file, i, walcore.KindTerm, "term %d before term %d, which the entries after it bear out", term, o.next(f.slotTable, i, end))
		default:
			o.last = term
		}
	}
}

// tooHigh reports whether it is slot i's term that is too high, where those after
// it are lower, rather than those that are too low. Slots with lower terms are
// also what a rewrite leaves that has reached the disk in part. Those must not be
// shown. But they begin where a sector begins; and where slot i's term is too high,
// the one behind it was written together with it, or the term is higher than any
// that the node has voted in.
func (o *termOrder) tooHigh(t *slotTable, i, end int) bool {
	term, next := t.Term(i), o.next(t, i, end)
	if next == 0 || next >= term || next < o.last {
		return false
	}
	if o.hard > 0 && term > o.hard && next <= o.hard {
		return true
	}
	return (i+1)%slotsPerSector != 0 && i+2 < end && t.Term(i+2) < term
}

// next is the term of the entry behind slot i, where end ends the run, or 0 if there is
// none.
func (o *termOrder) next(t *slotTable, i, end int) uint64 {
	switch {
	case i+1 < end:
		return t.Term(i + 1)
	case o.behind != nil && o.behind.Index == t.Index(i)+1:
		return o.behind.Term
	}
	return 0
}
