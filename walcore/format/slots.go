package format

import (
	"encoding/binary"

	"go.etcd.io/raft/v3/raftpb"
)

// PackedSlots are the slots of a log file in little memory: some 2 bytes each, or 6
// with a checksum. A reader or a storage holds those of all its log files, and a log
// can have thousands.
type PackedSlots struct {
	n                                    int
	terms, indexes, offsets, sums, types Column
}

// PackSlots takes slots as they are stored.
func PackSlots(raw []byte) PackedSlots {
	n := len(raw) / SlotSize
	return PackedSlots{
		n:       n,
		terms:   PackColumn(n, words(raw, 0)),
		indexes: PackColumn(n, words(raw, 8)),
		offsets: PackColumn(n, words(raw, 16)),
		sums:    PackColumn(n, halves(raw, 24)),
		types:   PackColumn(n, halves(raw, 28)),
	}
}

// Len is how many slots there are.
func (c *PackedSlots) Len() int { return c.n }

// Slot gives slot i.
func (c *PackedSlots) Slot(i int) Slot {
	return Slot{Term: c.Term(i), Index: c.Index(i), Offset: c.Offset(i), Type: c.Type(i), Sum: c.Sum(i)}
}

// Term, Index, Offset, Sum and Type give one field of slot i.

func (c *PackedSlots) Term(i int) uint64           { return c.terms.At(i) }
func (c *PackedSlots) Index(i int) uint64          { return c.indexes.At(i) }
func (c *PackedSlots) Offset(i int) uint64         { return c.offsets.At(i) }
func (c *PackedSlots) Sum(i int) uint32            { return uint32(c.sums.At(i)) }
func (c *PackedSlots) Type(i int) raftpb.EntryType { return raftpb.EntryType(c.types.At(i)) }

// Prefix is the first n slots. It shares memory with c.
func (c *PackedSlots) Prefix(n int) PackedSlots {
	first := *c
	first.n = n
	return first
}

// Extends reports whether the slots begin with all of old.
func (c *PackedSlots) Extends(old *PackedSlots) bool {
	return c.n >= old.n && c.terms.extends(&old.terms, old.n) && c.indexes.extends(&old.indexes, old.n) &&
		c.offsets.extends(&old.offsets, old.n) && c.sums.extends(&old.sums, old.n) && c.types.extends(&old.types, old.n)
}

// words and halves read a field of the slots, of 8 bytes or 4.
func words(raw []byte, field int) func([]uint64, int) {
	return func(numbers []uint64, from int) {
		for j := range numbers {
			numbers[j] = binary.BigEndian.Uint64(raw[(from+j)*SlotSize+field:])
		}
	}
}

func halves(raw []byte, field int) func([]uint64, int) {
	return func(numbers []uint64, from int) {
		for j := range numbers {
			numbers[j] = uint64(binary.BigEndian.Uint32(raw[(from+j)*SlotSize+field:]))
		}
	}
}

// Unpack writes the slots from the given one on to raw, as they were stored.
func (c *PackedSlots) Unpack(raw []byte, from int) {
	var buf [5][blockSize]uint64
	for n := len(raw) / SlotSize; n > 0; {
		some := min(n, blockSize-from%blockSize)
		terms, indexes, offsets, sums, types := buf[0][:some], buf[1][:some], buf[2][:some], buf[3][:some], buf[4][:some]
		c.terms.unpack(terms, from)
		c.indexes.unpack(indexes, from)
		c.offsets.unpack(offsets, from)
		c.sums.unpack(sums, from)
		c.types.unpack(types, from)
		for i := range some {
			b := raw[i*SlotSize:][:SlotSize]
			binary.BigEndian.PutUint64(b, terms[i])
			binary.BigEndian.PutUint64(b[8:], indexes[i])
			binary.BigEndian.PutUint64(b[16:], offsets[i])
			binary.BigEndian.PutUint64(b[24:], sums[i]<<32|types[i])
		}
		raw, from, n = raw[some*SlotSize:], from+some, n-some
	}
}

// Memory is how many bytes the slots take in memory.
func (c *PackedSlots) Memory() int {
	return c.terms.Memory() + c.indexes.Memory() + c.offsets.Memory() + c.sums.Memory() + c.types.Memory()
}
