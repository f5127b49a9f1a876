package dgraph

import (
	"bytes"
	"math"
	"os"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// slotTable is a log file's slots as they were read, those before the first
// empty one. It does not change, and readers of the same file share it.
type slotTable struct {
	format.PackedSlots
	chain   []run // the longest chain of runs
	*survey       // nil: the slots have to be looked at one by one
	// leftovers are slots behind the first empty one, at leftoverAt.
	leftovers  []format.Slot
	leftoverAt []int
	// torn says that the file was written to all the time that it took to
	// read the table: it may be half old and half new.
	torn bool
}

func (t *slotTable) typeKnown(i int) bool {
	is := t.Type(i)
	return is >= raftpb.EntryType_EntryNormal && is <= raftpb.EntryType_EntryConfChangeV2
}

// tableBuffers are to read slot tables into.
var tableBuffers = sync.Pool{New: func() any { return new([format.SlotTableSize]byte) }}

func readTable(f *os.File, size int64) (*slotTable, error) {
	buf := tableBuffers.Get().(*[format.SlotTableSize]byte)
	defer tableBuffers.Put(buf)
	raw := buf[:min(size, format.SlotTableSize)/format.SlotSize*format.SlotSize]
	if err := readFull(f, raw, 0); err != nil {
		return nil, err
	}
	n := 0
	for n < len(raw)/format.SlotSize && format.DecodeSlot(raw[n*format.SlotSize:]).Index != 0 {
		n++
	}
	t := packTable(raw[:n*format.SlotSize])
	for i := n; i < len(raw)/format.SlotSize && !format.AllZero(raw[i*format.SlotSize:]); i++ {
		if s := format.DecodeSlot(raw[i*format.SlotSize:]); s.Index != 0 {
			t.leftovers, t.leftoverAt = append(t.leftovers, s), append(t.leftoverAt, i)
		}
	}
	return t, nil
}

// packTable takes slots as they are stored.
func packTable(raw []byte) *slotTable {
	t := &slotTable{
		PackedSlots: format.PackSlots(raw),
		chain:       longestChain(runsOf(len(raw)/format.SlotSize, func(i int) format.Slot { return format.DecodeSlot(raw[i*format.SlotSize:]) })),
	}
	t.survey = t.look()
	return t
}

// survey is what there is to say of a sound table, which nearly all are: its
// indexes are one run, its types are known and its terms never go down. With it
// a log of many files is put together anew without a look at each slot, at
// every entry that a node adds.
type survey struct {
	low, high uint64             // the data offsets, both ends included
	spans     []walcore.TermSpan // of the terms
}

func (t *slotTable) look() *survey {
	if len(t.chain) != 1 || t.chain[0].n != t.Len() {
		return nil
	}
	s := &survey{low: math.MaxUint64}
	for i := range t.Len() {
		off, term, index := t.Offset(i), t.Term(i), t.chain[0].index+uint64(i)
		s.low, s.high = min(s.low, off), max(s.high, off)
		k := len(s.spans) - 1
		switch {
		case !t.typeKnown(i) || k >= 0 && s.spans[k].Term > term:
			return nil
		case k >= 0 && s.spans[k].Term == term:
			s.spans[k].Last = index
		default:
			s.spans = append(s.spans, walcore.TermSpan{Term: term, First: index, Last: index})
		}
	}
	return s
}

// unfinished reports whether the table looks as if a writer were at work in it
// this moment: the last slot has its index but not yet its offset, or a rewrite
// has emptied some slots and not yet all. At rest, both are damage.
func (t *slotTable) unfinished() bool {
	return len(t.leftovers) > 0 || t.Len() > 0 && t.Offset(t.Len()-1) < format.PayloadAt
}

// finished is the table without what unfinished finds.
func (t *slotTable) finished() *slotTable {
	f := *t
	n := f.Len()
	for n > 0 && f.Offset(n-1) < format.PayloadAt {
		n--
	}
	f.PackedSlots = f.Prefix(n)
	f.leftovers, f.leftoverAt, f.survey = nil, nil, nil
	f.chain = longestChain(runsOf(n, f.Slot))
	return &f
}

// intact reports whether f still begins with the table. A table that was read
// while it was rewritten can be half old and half new; then it is not.
func (t *slotTable) intact(f *os.File) bool { return t.sameUntil(f, 0) == t.Len() }

// slotsAtOnce is how many are compared at once.
const slotsAtOnce = 1024

// sameUntil gives the first slot, of those from the given one on, that f has
// otherwise now than the table.
func (t *slotTable) sameUntil(f *os.File, from int) int {
	most := min(t.Len()-from, slotsAtOnce) * format.SlotSize
	now, then := make([]byte, most), make([]byte, most)
	for from < t.Len() {
		n := min(t.Len()-from, slotsAtOnce) * format.SlotSize
		now, then = now[:n], then[:n]
		if readFull(f, now, int64(from)*format.SlotSize) != nil {
			return from
		}
		if t.Unpack(then, from); !bytes.Equal(now, then) {
			for ; bytes.Equal(now[:format.SlotSize], then[:format.SlotSize]); from++ {
				now, then = now[format.SlotSize:], then[format.SlotSize:]
			}
			return from
		}
		from += n / format.SlotSize
	}
	return from
}

// extends reports whether the table begins with old.
func (t *slotTable) extends(old *slotTable) bool {
	return t == old || t.PackedSlots.Extends(&old.PackedSlots)
}

// ended reports whether the table still ends where it did. It tells of every
// append and every rewrite: a rewrite replaces all slots from some index on,
// the last among them.
func (t *slotTable) ended(f *os.File) bool {
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
