package walcore

import (
	"encoding/binary"

	"go.etcd.io/raft/v3/raftpb"
)

// slotColumns are slots, packed: some 2 bytes each, and 6 with a checksum. A
// reader or a storage holds those of all its log files, and there is no end to
// them.
type slotColumns struct {
	n                                    int
	terms, indexes, offsets, sums, types column
}

// packSlots takes slots as they are stored.
func packSlots(raw []byte) slotColumns {
	n := len(raw) / SlotSize
	return slotColumns{
		n:       n,
		terms:   packColumn(n, words(raw, 0)),
		indexes: packColumn(n, words(raw, 8)),
		offsets: packColumn(n, words(raw, 16)),
		sums:    packColumn(n, halves(raw, 24)),
		types:   packColumn(n, halves(raw, 28)),
	}
}

func (c *slotColumns) slot(i int) Slot {
	return Slot{Term: c.terms.at(i), Index: c.indexes.at(i), Offset: c.offsets.at(i), Type: c.entryType(i), Sum: uint32(c.sums.at(i))}
}

func (c *slotColumns) entryType(i int) raftpb.EntryType { return raftpb.EntryType(c.types.at(i)) }

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

// unpack writes the slots from the given one on to raw, as they were stored.
func (c *slotColumns) unpack(raw []byte, from int) {
	for i := 0; i < len(raw)/SlotSize; i++ {
		b := raw[i*SlotSize:][:SlotSize]
		binary.BigEndian.PutUint64(b, c.terms.at(from+i))
		binary.BigEndian.PutUint64(b[8:], c.indexes.at(from+i))
		binary.BigEndian.PutUint64(b[16:], c.offsets.at(from+i))
		binary.BigEndian.PutUint64(b[24:], c.sums.at(from+i)<<32|c.types.at(from+i))
	}
}
