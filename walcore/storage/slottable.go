package storage

import (
	"encoding/binary"
	"slices"

	"github.com/walfs/walfs/walcore/format"
)

// slotList is the slots of a log file that is written: as they are on disk, to
// append to, or packed, once the file is full.
type slotList struct {
	raw    []byte
	packed *format.PackedSlots // instead of raw
}

func (l *slotList) slots() int {
	if l.packed != nil {
		return l.packed.Len()
	}
	return len(l.raw) / format.SlotSize
}

func (l *slotList) slot(i int) format.Slot {
	if l.packed != nil {
		return l.packed.Slot(i)
	}
	return format.DecodeSlot(l.raw[i*format.SlotSize:])
}

func (l *slotList) term(i int) uint64 {
	if l.packed != nil {
		return l.packed.Term(i)
	}
	return binary.BigEndian.Uint64(l.raw[i*format.SlotSize:])
}

func (l *slotList) index(i int) uint64 {
	if l.packed != nil {
		return l.packed.Index(i)
	}
	return binary.BigEndian.Uint64(l.raw[i*format.SlotSize+8:])
}

func (l *slotList) offset(i int) int64 {
	if l.packed != nil {
		return int64(l.packed.Offset(i))
	}
	return int64(binary.BigEndian.Uint64(l.raw[i*format.SlotSize+16:]))
}

// onDisk gives the first n slots as they are stored, in memory of their own.
func (l *slotList) onDisk(n int) []byte {
	if l.packed == nil {
		return slices.Clone(l.raw[:n*format.SlotSize])
	}
	raw := make([]byte, n*format.SlotSize)
	l.packed.Unpack(raw, 0)
	return raw
}

// keep drops the slots from n on.
func (l *slotList) keep(n int) {
	if l.packed == nil {
		l.raw = l.raw[:n*format.SlotSize]
		return
	}
	first := l.packed.Prefix(n)
	l.packed = &first
}

// pack packs the list, and gives the memory that this sets free.
func (l *slotList) pack() (room []byte) {
	if l.packed == nil {
		columns := format.PackSlots(l.raw)
		l.packed, room, l.raw = &columns, l.raw[:0], nil
	}
	return room
}

// unpack makes a list that can be appended to.
func (l *slotList) unpack() {
	if l.packed != nil {
		*l = slotList{raw: l.onDisk(l.packed.Len())}
	}
}
