package format

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"go.etcd.io/raft/v3/raftpb"
)

func (c *PackedSlots) columns() []*Column {
	return []*Column{&c.terms, &c.indexes, &c.offsets, &c.sums, &c.types}
}

func pack(raw []byte) *PackedSlots {
	slots := PackSlots(raw)
	return &slots
}

// bytesHeld is what a column takes beside its fields.
func (c *Column) bytesHeld() int { return 24*cap(c.blocks) + cap(c.data) }

// slotsOf makes the slots of n sound entries.
func slotsOf(n int, change func(i int, s *Slot)) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	raw := make([]byte, n*SlotSize)
	off := uint64(PayloadAt)
	for i := range n {
		s := Slot{Term: 3, Index: uint64(1000 + i), Offset: off}
		change(i, &s)
		EncodeSlot(raw[i*SlotSize:], s)
		off += LengthSize + r.Uint64N(4000)
	}
	return raw
}

// TestTableIsSmall: memory of a log is that of its tables.
func TestTableIsSmall(t *testing.T) {
	for _, test := range []struct {
		name   string
		most   float64 // bytes a slot
		change func(i int, s *Slot)
	}{
		{"plain", 2.5, func(int, *Slot) {}},
		{"terms and types", 3, func(i int, s *Slot) {
			s.Term += uint64(i / 4000)
			if i%5000 == 0 {
				s.Type = raftpb.EntryType_EntryConfChange
			}
		}},
		{"checksums", 7, func(i int, s *Slot) { s.Sum = uint32(i+1) * 2654435761 }},
		{"garbage", 34, func(i int, s *Slot) {
			r := rand.New(rand.NewPCG(uint64(i), 3))
			*s = Slot{Term: r.Uint64(), Index: r.Uint64(), Offset: r.Uint64(), Sum: r.Uint32(), Type: raftpb.EntryType(r.Uint32())}
		}},
	} {
		held := 0
		for _, c := range pack(slotsOf(SlotsPerFile, test.change)).columns() {
			held += c.bytesHeld()
		}
		if each := float64(held) / SlotsPerFile; each > test.most {
			t.Errorf("%s: %.2f bytes a slot, want at most %g", test.name, each, test.most)
		}
	}
}

// FuzzTable packs any slots, and wants them back as they were.
func FuzzTable(f *testing.F) {
	for _, name := range fixture.Small {
		raw := fixture.ReadHead(f, name, 300).Slots
		f.Add(raw, uint16(len(raw)/SlotSize/2), uint32(0))
		if len(raw) < 4*SlotSize {
			continue
		}
		for at := 3; at < len(raw); at += 5*SlotSize + 1 { // damage
			raw[at] ^= byte(at)
		}
		f.Add(raw, uint16(2), uint32(9*SlotSize))
	}
	for _, n := range []int{1, 2, blockSize, blockSize + 1, 3*blockSize + 2} {
		f.Add(slotsOf(n, func(int, *Slot) {}), uint16(blockSize), uint32(n))
	}
	bent := slotsOf(3*blockSize, func(i int, s *Slot) { s.Index += uint64(i / 300) })
	f.Add(bent, uint16(2*blockSize+10), uint32(8*(50*SlotSize+23))) // the last bits of an offset
	wrapped := slotsOf(2*blockSize, func(i int, s *Slot) {
		s.Term, s.Index, s.Offset = uint64(i)<<56, -uint64(i)<<61, uint64(i)*1e18
	})
	f.Add(wrapped, uint16(blockSize), uint32(7))
	f.Fuzz(func(t *testing.T, raw []byte, first uint16, bit uint32) {
		raw = raw[:min(len(raw)/SlotSize, SlotsPerFile)*SlotSize]
		n := len(raw) / SlotSize
		table := pack(raw)
		if table.Len() != n {
			t.Fatalf("%d slots, want %d", table.Len(), n)
		}
		for i := range n {
			if got, want := table.Slot(i), DecodeSlot(raw[i*SlotSize:]); got != want {
				t.Fatalf("slot %d: %+v, want %+v", i, got, want)
			}
		}
		from := int(first) % (n + 1)
		got := make([]byte, len(raw)-from*SlotSize)
		if table.Unpack(got, from); !bytes.Equal(got, raw[from*SlotSize:]) {
			t.Fatalf("unpacked from slot %d on:\n%x\nwant\n%x", from, got, raw[from*SlotSize:])
		}
		begin := bytes.Clone(raw[:from*SlotSize])
		if !table.Extends(pack(begin)) || from < n && pack(begin).Extends(table) {
			t.Fatalf("it does not extend its own first %d slots, or they extend it", from)
		}
		if from > 0 {
			begin[int(bit)%(8*len(begin))/8] ^= 1 << (bit % 8)
			if table.Extends(pack(begin)) {
				t.Fatalf("it extends other slots than its first %d", from)
			}
		}
	})
}

// TestColumn packs numbers that lie as they may lie in a table.
func TestColumn(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, test := range []struct {
		name   string
		most   int // bytes of data for 1000 numbers
		number func(i int) uint64
	}{
		{"level", 0, func(int) uint64 { return 7 }},
		{"straight", 0, func(i int) uint64 { return 1<<40 + 3*uint64(i) }},
		{"downwards, through 0", 0, func(i int) uint64 { return 500 - uint64(i) }},
		{"one step", blockSize, func(i int) uint64 { return uint64(i / 700) }},
		{"a step at a block's end", 0, func(i int) uint64 { return uint64(i / (4 * blockSize)) }},
		{"a bend at a block's end", 0, func(i int) uint64 { return 2*uint64(i) + uint64(max(i-blockSize, 0)) }},
		{"two lines", 0, func(i int) uint64 { return uint64(i) + uint64(i/(4*blockSize))*1e15 }},
		{"around a line", 1000, func(i int) uint64 { return 1e6*uint64(i) + r.Uint64N(100) }},
		{"small", 1000, func(int) uint64 { return r.Uint64N(256) }},
		{"small and signed", 1000, func(int) uint64 { return r.Uint64N(256) - 128 }},
		{"32 bits", 4000, func(int) uint64 { return uint64(r.Uint32()) }},
		{"any", 8000, func(int) uint64 { return r.Uint64() }},
	} {
		for _, n := range []int{0, 1, 2, blockSize - 1, blockSize, blockSize + 1, 2 * blockSize, 1000} {
			want := make([]uint64, n)
			for i := range want {
				want[i] = test.number(i)
			}
			c := PackColumn(n, func(numbers []uint64, from int) { copy(numbers, want[from:]) })
			for i, w := range want {
				if got := c.At(i); got != w {
					t.Fatalf("%s, %d numbers: number %d is %d, want %d", test.name, n, i, got, w)
				}
			}
			if n == 1000 && len(c.data) > test.most+wordSize {
				t.Errorf("%s: %d bytes, want %d", test.name, len(c.data), test.most)
			}
		}
	}
}
