package dgraph

import (
	"bytes"
	"math"
	"slices"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// slotTable is a log file's slots as they were read, up to the first empty one.
// It does not change, and readers of the same file share it.
type slotTable struct {
	format.PackedSlots
	chain    []run // the longest chain of runs
	*summary       // nil: the slots must be checked one by one
	// leftovers are the slots behind the first empty one that are not empty, and
	// leftoverAt their numbers.
	leftovers  []format.Slot
	leftoverAt []int
	// used is how many slots there are up to the last one that is not all zero.
	used int
	// mixed says that the file changed each time the table was read: it may be
	// half old and half new.
	mixed bool
}

// leftover gives a slot behind the first empty one.
func (t *slotTable) leftover(i int) (s format.Slot, ok bool) {
	k, ok := slices.BinarySearch(t.leftoverAt, i)
	if !ok {
		return s, false
	}
	return t.leftovers[k], true
}

func (t *slotTable) knownType(i int) bool { return knownType(t.Type(i)) }

func knownType(is raftpb.EntryType) bool {
	return is >= raftpb.EntryType_EntryNormal && is <= raftpb.EntryType_EntryConfChangeV2
}

// tableBuffers are to read slot tables into.
var tableBuffers = sync.Pool{New: func() any { return new([format.SlotTableSize]byte) }}

// readTable reads the slots of a file that has the given size.
func readTable(f file, size int64) (*slotTable, error) {
	buf := tableBuffers.Get().(*[format.SlotTableSize]byte)
	defer tableBuffers.Put(buf)
	all := buf[:min(size, format.SlotTableSize)]
	if err := readFull(f, all, 0); err != nil {
		return nil, err
	}
	raw := all[:len(all)/format.SlotSize*format.SlotSize]
	n := 0
	for n < len(raw)/format.SlotSize && format.DecodeSlot(raw[n*format.SlotSize:]).Index != 0 {
		n++
	}
	t := packTable(raw[:n*format.SlotSize])
	if format.AllZero(all[n*format.SlotSize:]) {
		return t, nil
	}
	end := len(all)
	for all[end-1] == 0 {
		end--
	}
	t.used = (end + format.SlotSize - 1) / format.SlotSize
	for i := n; i < len(raw)/format.SlotSize; i++ {
		if s := format.DecodeSlot(raw[i*format.SlotSize:]); s.Index != 0 {
			t.leftovers, t.leftoverAt = append(t.leftovers, s), append(t.leftoverAt, i)
		}
	}
	return t, nil
}

// packTable makes a table of slots as they are stored.
func packTable(raw []byte) *slotTable {
	t := &slotTable{PackedSlots: format.PackSlots(raw), used: len(raw) / format.SlotSize}
	if t.summary = summarize(raw); t.summary != nil {
		t.chain = []run{{slot: 0, n: t.Len(), index: t.Index(0)}}
	} else {
		t.chain = longestChain(runsOf(t.Len(), func(i int) format.Slot { return format.DecodeSlot(raw[i*format.SlotSize:]) }))
	}
	return t
}

// summary is what the order of a log depends on, of a table that is sound in
// itself: its indexes are one run, its types are known and its terms never go
// down. Nearly all tables are. A log is put together anew for every entry that a
// node adds, and with summaries that takes no look at each slot of each file.
type summary struct {
	low, high uint64             // the data offsets, both ends included
	ascending bool               // each offset leaves room for the length before it
	spans     []walcore.TermSpan // of the terms
}

// summarize gives the summary of a sound table, or nil.
func summarize(raw []byte) *summary {
	if len(raw) == 0 {
		return nil
	}
	s := &summary{low: math.MaxUint64, ascending: true}
	var before format.Slot
	for at := 0; at < len(raw); at += format.SlotSize {
		slot := format.DecodeSlot(raw[at:])
		if slot.Index > walcore.MaxNumber || slot.Term > walcore.MaxNumber || slot.Term < before.Term || !knownType(slot.Type) ||
			at > 0 && slot.Index != before.Index+1 {
			return nil
		}
		s.low, s.high = min(s.low, slot.Offset), max(s.high, slot.Offset)
		s.ascending = s.ascending && (at == 0 || slot.Offset >= before.Offset && slot.Offset-before.Offset >= format.LengthSize)
		if k := len(s.spans) - 1; k >= 0 && s.spans[k].Term == slot.Term {
			s.spans[k].Last = slot.Index
		} else {
			s.spans = append(s.spans, walcore.TermSpan{Term: slot.Term, First: slot.Index, Last: slot.Index})
		}
		before = slot
	}
	return s
}

// halfWritten reports whether the table looks as it does while a writer changes
// it: the last slot has its index and not yet its offset, or a rewrite has emptied
// some slots and not yet all. Where nobody writes, both are damage.
func (t *slotTable) halfWritten() bool {
	return len(t.leftovers) > 0 || t.Len() > 0 && t.Offset(t.Len()-1) < format.PayloadAt
}

// withoutHalfWritten is the table without what a writer has only begun.
func (t *slotTable) withoutHalfWritten() *slotTable {
	n := t.Len()
	for n > 0 && t.Offset(n-1) < format.PayloadAt {
		n--
	}
	return &slotTable{PackedSlots: t.Prefix(n), chain: longestChain(runsOf(n, t.Slot)), used: n, mixed: t.mixed}
}

// unchangedIn reports whether f still begins with the table. One that is half old
// and half new, since it was read during a rewrite, does not.
func (t *slotTable) unchangedIn(f file) bool {
	same, err := t.firstDifference(f, 0, t.Len())
	return err == nil && same == t.Len()
}

// slotsAtOnce is how many slots are compared at once.
const slotsAtOnce = 1024

// firstDifference gives the first slot, of those from from up to but without to, that
// is not the same in f as in the table; to if all are. Where reading fails, the slots
// before the one that it gives are the same.
func (t *slotTable) firstDifference(f file, from, to int) (int, error) {
	most := min(to-from, slotsAtOnce) * format.SlotSize
	now, then := make([]byte, most), make([]byte, most)
	for from < to {
		n := min(to-from, slotsAtOnce) * format.SlotSize
		now, then = now[:n], then[:n]
		if err := readFull(f, now, int64(from)*format.SlotSize); err != nil {
			return from, err
		}
		if t.Unpack(then, from); !bytes.Equal(now, then) {
			for ; bytes.Equal(now[:format.SlotSize], then[:format.SlotSize]); from++ {
				now, then = now[format.SlotSize:], then[format.SlotSize:]
			}
			return from, nil
		}
		from += n / format.SlotSize
	}
	return from, nil
}

// extends reports whether the table begins with old.
func (t *slotTable) extends(old *slotTable) bool {
	return t == old || t.PackedSlots.Extends(&old.PackedSlots)
}

// endsTheSameIn reports whether the table has the same last slot in f, and an
// empty one behind it. No append and no rewrite leaves it so: a rewrite replaces
// all slots from some index on, the last one among them.
func (t *slotTable) endsTheSameIn(f file) bool {
	n := t.Len()
	from := max(n-1, 0)
	to := min(n+1, format.SlotsPerFile)
	var buf [2 * format.SlotSize]byte
	b := buf[:(to-from)*format.SlotSize]
	if readFull(f, b, int64(from)*format.SlotSize) != nil {
		return false
	}
	if n > 0 {
		if format.DecodeSlot(b) != t.Slot(from) {
			return false
		}
		b = b[format.SlotSize:]
	}
	return len(b) == 0 || format.DecodeSlot(b).Index == 0
}
