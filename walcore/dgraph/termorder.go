package dgraph

import (
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// termOrder checks that terms never go down.
type termOrder struct {
	hard uint64 // the hard state's term, which no entry's exceeds; 0: not known
	last uint64 // the highest so far
}

// slotsPerSector: a disk writes sectors of at least 512 bytes whole.
const slotsPerSector = 512 / format.SlotSize

// check drops the slots of r whose term is out of order.
func (o *termOrder) check(f *LogFile, r run) {
	end := r.slot + r.n
	if f.summary != nil && f.dropped == nil && f.Term(r.slot) >= o.last {
		o.last = f.Term(end - 1)
		return
	}
	for i := r.slot; i < end; i++ {
		term := f.Term(i)
		switch {
		case f.isDropped(i):
		case term < o.last:
			f.drop(i)
			f.problems.slot(f.Name, i, f.Slot(i), walcore.KindTerm, fmt.Sprintf(
				"term %d after term %d: left from before a rewrite, or one of the two is damaged", term, o.last))
		case o.raised(f, i, end):
			f.drop(i)
			f.problems.slot(f.Name, i, f.Slot(i), walcore.KindTerm, fmt.Sprintf(
				"term %d before term %d, which the entries after it bear out", term, f.Term(i+1)))
		default:
			o.last = term
		}
	}
}

// raised reports whether it is slot i's term that is too high, rather than
// those after it too low. Slots with lower terms are also what a rewrite
// leaves that did not reach the disk whole: those must not be shown, but they
// begin with a sector, while slot i's term is above one that was written with
// it, or above any the node has voted in.
func (o *termOrder) raised(f *LogFile, i, end int) bool {
	if i+1 >= end {
		return false
	}
	term, next := f.Term(i), f.Term(i+1)
	if next >= term || next < o.last {
		return false
	}
	if o.hard > 0 && term > o.hard && next <= o.hard {
		return true
	}
	return (i+1)%slotsPerSector != 0 && i+2 < end && f.Term(i+2) < term
}
