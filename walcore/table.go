package walcore

import (
	"bytes"
	"os"
)

// slotTable is a log file's slots as they were read. It does not change, and
// readers of the same file share it.
type slotTable struct {
	table []byte // the slots before the first empty one
	chain []run  // the longest chain of runs in it
	// leftovers are slots behind the first empty one, at leftoverAt.
	leftovers  []Slot
	leftoverAt []int
	// torn says that the file was written to all the time that it took to
	// read the table: it may be half old and half new.
	torn bool
}

// Slots is the number of slots in use, sound or not.
func (t *slotTable) Slots() int { return len(t.table) / SlotSize }

func (t *slotTable) slot(i int) Slot { return DecodeSlot(t.table[i*SlotSize:]) }

func readTable(f *os.File, size int64) (*slotTable, error) {
	raw := make([]byte, min(size, SlotTableSize)/SlotSize*SlotSize)
	if err := readFull(f, raw, 0); err != nil {
		return nil, err
	}
	n := 0
	for n < len(raw)/SlotSize && DecodeSlot(raw[n*SlotSize:]).Index != 0 {
		n++
	}
	t := &slotTable{table: bytes.Clone(raw[:n*SlotSize])}
	for i := n; i < len(raw)/SlotSize && !allZero(raw[i*SlotSize:]); i++ {
		if s := DecodeSlot(raw[i*SlotSize:]); s.Index != 0 {
			t.leftovers, t.leftoverAt = append(t.leftovers, s), append(t.leftoverAt, i)
		}
	}
	t.chain = longestChain(runsOf(t.Slots(), t.slot))
	return t, nil
}

// unfinished reports whether the table looks as if a writer were at work in it
// this moment: the last slot has its index but not yet its offset, or a rewrite
// has emptied some slots and not yet all. At rest, both are damage.
func (t *slotTable) unfinished() bool {
	return len(t.leftovers) > 0 || t.Slots() > 0 && t.slot(t.Slots()-1).Offset < PayloadAt
}

// finished is the table without what unfinished finds.
func (t *slotTable) finished() *slotTable {
	n := t.Slots()
	for n > 0 && t.slot(n-1).Offset < PayloadAt {
		n--
	}
	f := &slotTable{table: t.table[:n*SlotSize]}
	f.chain = longestChain(runsOf(f.Slots(), f.slot))
	return f
}

// intact reports whether f still begins with the table. A table that was read
// while it was rewritten can be half old and half new; then it is not.
func (t *slotTable) intact(f *os.File) bool { return t.sameUntil(f, 0) == t.Slots() }

// sameUntil gives the first slot, of those from the given one on, that f has
// otherwise now than the table.
func (t *slotTable) sameUntil(f *os.File, from int) int {
	then := t.table[from*SlotSize:]
	now := make([]byte, len(then))
	switch err := readFull(f, now, int64(from)*SlotSize); {
	case err != nil:
		return from
	case bytes.Equal(now, then):
		return t.Slots()
	}
	for i := 0; ; i += SlotSize {
		if !bytes.Equal(now[i:i+SlotSize], then[i:i+SlotSize]) {
			return from + i/SlotSize
		}
	}
}

// ended reports whether the table still ends where it did. It tells of every
// append and every rewrite: a rewrite replaces all slots from some index on,
// the last among them.
func (t *slotTable) ended(f *os.File) bool {
	n := t.Slots()
	from := max(n-1, 0)
	to := min(n+1, SlotsPerFile)
	var buf [2 * SlotSize]byte
	b := buf[:(to-from)*SlotSize]
	if readFull(f, b, int64(from)*SlotSize) != nil {
		return false
	}
	if n > 0 {
		if !bytes.Equal(b[:SlotSize], t.table[from*SlotSize:]) {
			return false
		}
		b = b[SlotSize:]
	}
	return len(b) == 0 || DecodeSlot(b).Index == 0
}
