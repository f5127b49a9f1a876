package storage

import (
	"encoding/binary"
	"slices"

	"github.com/walfs/walfs/walcore/format"
)

// slotTable is the slots of a log file, in memory. The file that is appended to
// has an openTable; one that is full has a packedTable, which takes a tenth of
// the memory and does not change.
type slotTable interface {
	slots() int // how many there are
	slot(i int) format.Slot
	term(i int) uint64
	index(i int) uint64
	offset(i int) int64
	// encode gives the first n slots as they are on disk, in memory of their own.
	encode(n int) []byte
	// prefix is the first n slots. It may share memory with the whole.
	prefix(n int) slotTable
}

// openTable has the slots as they are on disk.
type openTable struct{ raw []byte }

func (t *openTable) slots() int             { return len(t.raw) / format.SlotSize }
func (t *openTable) slot(i int) format.Slot { return format.DecodeSlot(t.raw[i*format.SlotSize:]) }
func (t *openTable) term(i int) uint64      { return t.word(i, 0) }
func (t *openTable) index(i int) uint64     { return t.word(i, 8) }
func (t *openTable) offset(i int) int64     { return int64(t.word(i, 16)) }

func (t *openTable) word(i, field int) uint64 {
	return binary.BigEndian.Uint64(t.raw[i*format.SlotSize+field:])
}

func (t *openTable) encode(n int) []byte { return slices.Clone(t.raw[:n*format.SlotSize]) }

func (t *openTable) prefix(n int) slotTable { return &openTable{t.raw[:n*format.SlotSize]} }

type packedTable struct{ packed format.PackedSlots }

func packTable(raw []byte) *packedTable { return &packedTable{format.PackSlots(raw)} }

func (t *packedTable) slots() int             { return t.packed.Len() }
func (t *packedTable) slot(i int) format.Slot { return t.packed.Slot(i) }
func (t *packedTable) term(i int) uint64      { return t.packed.Term(i) }
func (t *packedTable) index(i int) uint64     { return t.packed.Index(i) }
func (t *packedTable) offset(i int) int64     { return int64(t.packed.Offset(i)) }

func (t *packedTable) encode(n int) []byte {
	raw := make([]byte, n*format.SlotSize)
	t.packed.Unpack(raw, 0)
	return raw
}

func (t *packedTable) prefix(n int) slotTable { return &packedTable{t.packed.Prefix(n)} }
