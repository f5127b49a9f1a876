//go:build linux

package mutate

import (
	"encoding/binary"
	"math/rand/v2"
)

// Kind is a way to damage a directory.
type Kind struct {
	Name string
	// edits is what is done to a base; nil where that kind cannot be done to it.
	edits func(b *Base, r *rand.Rand) []Edit
}

// Kinds are all ways.
func Kinds() []Kind {
	var kinds []Kind
	add := func(more ...Kind) { kinds = append(kinds, more...) }
	for _, f := range slotFields {
		for _, c := range changes {
			add(Kind{"slot " + f.name + ": " + c.name, changeSlotField(f, c)})
		}
	}
	for _, c := range changes {
		add(Kind{"length: " + c.name, changeLength(c)})
	}
	add(slotKinds...)
	for _, f := range headerFields {
		for _, c := range changes {
			add(Kind{"key header, " + f.name + ": " + c.name, changeHeader(f, c)})
		}
	}
	for _, f := range metaAreas {
		for _, c := range changes {
			add(Kind{"wal.meta, " + f.name + ": " + c.name, changeMeta(f, c)})
		}
	}
	add(bitKinds...)
	add(blockKinds...)
	add(cutKinds...)
	add(fileKinds...)
	return kinds
}

// field is some bytes of something larger.
type field struct {
	name  string
	at, n int64
}

var slotFields = []field{{"term", 0, 8}, {"index", 8, 8}, {"offset", 16, 8}, {"checksum", 24, 4}, {"type", 28, 4}}

var headerFields = []field{{"key id", 0, 8}, {"base IV", 8, 8}}

var metaAreas = []field{
	{"raft id", 0, 8}, {"group id", 8, 8}, {"checkpoint", checkpointAt, 8}, {"note of emptying", noteAt, 16},
	{"hard state's length", hardStateAt, 4}, {"hard state", hardStateAt + lengthSize, 12},
	{"snapshot index", snapshotIndexAt, 8}, {"snapshot term", snapshotTermAt, 8},
	{"snapshot's length", snapshotAt, 4}, {"snapshot's metadata", metaHeadSize, 0}, {"unused bytes", 64, 400},
}

// change changes bytes. another is the same field elsewhere.
type change struct {
	name string
	do   func(b, another []byte, r *rand.Rand)
}

var changes = []change{
	{"bit flip", func(b, _ []byte, r *rand.Rand) { b[r.IntN(len(b))] ^= 1 << r.IntN(8) }},
	{"zero", func(b, _ []byte, _ *rand.Rand) { clear(b) }},
	{"another's", func(b, another []byte, _ *rand.Rand) { copy(b, another) }},
	{"off by a few", func(b, _ []byte, r *rand.Rand) {
		by := uint32(1 + r.IntN(8))
		if r.IntN(2) == 0 {
			by = -by
		}
		low := b[len(b)-4:]
		binary.BigEndian.PutUint32(low, binary.BigEndian.Uint32(low)+by)
	}},
	{"random", func(b, _ []byte, r *rand.Rand) { randomBytes(b, r) }},
}

func randomBytes(b []byte, r *rand.Rand) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// pick is the first, the last or any of n; each of the ends one time in four.
func pick(n int, r *rand.Rand) int {
	switch r.IntN(8) {
	case 0, 1:
		return 0
	case 2, 3:
		return n - 1
	case 4:
		return max(n-2, 0)
	case 5:
		return min(1, n-1)
	}
	return r.IntN(n)
}

func (b *Base) pickFile(r *rand.Rand) *logFile {
	if len(b.layout.files) == 0 {
		return nil
	}
	return b.layout.files[pick(len(b.layout.files), r)]
}

// write is an edit of b's bytes that change makes.
func (b *Base) write(file string, at int64, n int64, do func(p []byte)) []Edit {
	m := b.images[file]
	if n = min(n, m.size-at); n <= 0 {
		return nil
	}
	p := m.bytes(at, n)
	do(p)
	return []Edit{{Op: opWrite, File: file, At: at, Bytes: p}}
}

func changeSlotField(f field, c change) func(*Base, *rand.Rand) []Edit {
	return func(b *Base, r *rand.Rand) []Edit {
		file := b.pickFile(r)
		if file == nil {
			return nil
		}
		other := b.pickFile(r)
		another := other.image.bytes(int64(pick(len(other.slots), r))*slotSize+f.at, f.n)
		return b.write(file.name, int64(pick(len(file.slots), r))*slotSize+f.at, f.n, func(p []byte) { c.do(p, another, r) })
	}
}

func changeLength(c change) func(*Base, *rand.Rand) []Edit {
	return func(b *Base, r *rand.Rand) []Edit {
		file := b.pickFile(r)
		if file == nil {
			return nil
		}
		other := b.pickFile(r)
		another := binary.BigEndian.AppendUint32(nil, other.slots[pick(len(other.slots), r)].length)
		return b.write(file.name, int64(file.slots[pick(len(file.slots), r)].offset), lengthSize, func(p []byte) { c.do(p, another, r) })
	}
}

func changeHeader(f field, c change) func(*Base, *rand.Rand) []Edit {
	return func(b *Base, r *rand.Rand) []Edit {
		file := b.pickFile(r)
		if file == nil {
			return nil
		}
		another := b.pickFile(r).image.bytes(keyHeaderAt+f.at, f.n)
		return b.write(file.name, keyHeaderAt+f.at, f.n, func(p []byte) { c.do(p, another, r) })
	}
}

func changeMeta(f field, c change) func(*Base, *rand.Rand) []Edit {
	return func(b *Base, r *rand.Rand) []Edit {
		n := f.n
		if f.at == metaHeadSize { // the stored snapshot, of which the end is metadata
			at := int64(metaHeadSize) + max(0, int64(b.layout.meta.snapshotSize)-60)
			n = min(int64(b.layout.meta.snapshotSize), 60)
			if n == 0 {
				return nil
			}
			at += r.Int64N(n)
			return b.write(metaName, at, 4, func(p []byte) { c.do(p, b.images[metaName].bytes(at+4, 4), r) })
		}
		from := metaAreas[r.IntN(len(metaAreas))]
		return b.write(metaName, f.at, n, func(p []byte) { c.do(p, b.images[metaName].bytes(from.at, n), r) })
	}
}

// slotKinds damage whole slots.
var slotKinds = []Kind{
	{"slot: zero", func(b *Base, r *rand.Rand) []Edit { return b.onSlot(r, func(p, _ []byte) { clear(p) }) }},
	{"slot: copy of another", func(b *Base, r *rand.Rand) []Edit { return b.onSlot(r, func(p, other []byte) { copy(p, other) }) }},
	{"slot: random", func(b *Base, r *rand.Rand) []Edit { return b.onSlot(r, func(p, _ []byte) { randomBytes(p, r) }) }},
	{"slot: torn", func(b *Base, r *rand.Rand) []Edit {
		return b.onSlot(r, func(p, _ []byte) { clear(p[8*(1+r.IntN(3)):]) })
	}},
	{"slot: swapped with another", func(b *Base, r *rand.Rand) []Edit {
		file := b.pickFile(r)
		if file == nil {
			return nil
		}
		x, y := int64(pick(len(file.slots), r)), int64(pick(len(file.slots), r))
		return append(b.write(file.name, x*slotSize, slotSize, func(p []byte) { copy(p, file.image.bytes(y*slotSize, slotSize)) }),
			b.write(file.name, y*slotSize, slotSize, func(p []byte) { copy(p, file.image.bytes(x*slotSize, slotSize)) })...)
	}},
	{"slot behind the last: a value", func(b *Base, r *rand.Rand) []Edit {
		file := b.pickFile(r)
		if file == nil || len(file.slots) == slotsAFile {
			return nil
		}
		at := len(file.slots) + pick(slotsAFile-len(file.slots), r)
		return b.write(file.name, int64(at)*slotSize, slotSize, func(p []byte) {
			copy(p, file.image.bytes(int64(pick(len(file.slots), r))*slotSize, slotSize))
		})
	}},
	{"slots: zero from one on", func(b *Base, r *rand.Rand) []Edit {
		file := b.pickFile(r)
		if file == nil {
			return nil
		}
		at := int64(pick(len(file.slots), r)) * slotSize
		return b.write(file.name, at, int64(1+r.IntN(40))*slotSize, func(p []byte) { clear(p) })
	}},
}

func (b *Base) onSlot(r *rand.Rand, do func(p, other []byte)) []Edit {
	file := b.pickFile(r)
	if file == nil {
		return nil
	}
	from := b.pickFile(r)
	other := from.image.bytes(int64(pick(len(from.slots), r))*slotSize, slotSize)
	return b.write(file.name, int64(pick(len(file.slots), r))*slotSize, slotSize, func(p []byte) { do(p, other) })
}
