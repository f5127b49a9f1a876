//go:build linux

package mutate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
)

// bitKinds flip bits in what the files hold.
var bitKinds = []Kind{
	{"1 bit anywhere", func(b *Base, r *rand.Rand) []Edit { return b.flip(1, r) }},
	{"4 bits anywhere", func(b *Base, r *rand.Rand) []Edit { return b.flip(4, r) }},
	{"32 bits anywhere", func(b *Base, r *rand.Rand) []Edit { return b.flip(32, r) }},
	{"payload: bit flip", func(b *Base, r *rand.Rand) []Edit {
		file := b.pickFile(r)
		if file == nil {
			return nil
		}
		s := file.slots[pick(len(file.slots), r)]
		if s.length == 0 {
			return nil
		}
		return b.write(file.name, int64(s.offset)+lengthSize+r.Int64N(int64(s.length)), 1, func(p []byte) { p[0] ^= 1 << r.IntN(8) })
	}},
	{"KEYREGISTRY: bit flip", func(b *Base, r *rand.Rand) []Edit {
		m := b.images[registryName]
		if m == nil {
			return nil
		}
		return b.write(registryName, r.Int64N(m.size), 1, func(p []byte) { p[0] ^= 1 << r.IntN(8) })
	}},
}

// usedAreas are the parts of a file that hold something.
func (b *Base) usedAreas(name string) []field {
	m := b.images[name]
	switch {
	case name == metaName:
		return []field{{"", 0, min(m.size, metaHeadSize+int64(b.layout.meta.snapshotSize))}}
	case name == registryName:
		return []field{{"", 0, m.size}}
	}
	for _, f := range b.layout.files {
		if f.name == name {
			return []field{{"", 0, int64(len(f.slots)+1) * slotSize}, {"", keyHeaderAt, 16}, {"", payloadAt, f.end - payloadAt}}
		}
	}
	return []field{{"", 0, slotSize}}
}

// somewhere is a place in what a file holds.
func (b *Base) somewhere(r *rand.Rand) (name string, at int64) {
	names := b.names()
	name = names[r.IntN(len(names))]
	areas := b.usedAreas(name)
	a := areas[r.IntN(len(areas))]
	if a.n <= 0 {
		return name, a.at
	}
	return name, a.at + r.Int64N(a.n)
}

func (b *Base) flip(bits int, r *rand.Rand) []Edit {
	var edits []Edit
	for range bits {
		name, at := b.somewhere(r)
		edits = append(edits, b.write(name, at, 1, func(p []byte) { p[0] ^= 1 << r.IntN(8) })...)
	}
	return edits
}

// blockKinds damage 4 KiB, as a file system or a disk does.
var blockKinds = []Kind{
	{"block: zero", func(b *Base, r *rand.Rand) []Edit {
		return b.onBlock(r, func(_ string, _ int64, p []byte) { clear(p) })
	}},
	{"block: another one's bytes", func(b *Base, r *rand.Rand) []Edit {
		name, at := b.somewhere(r)
		return b.onBlock(r, func(_ string, _ int64, p []byte) { copy(p, b.images[name].bytes(at/blockSize*blockSize, blockSize)) })
	}},
	{"block: swapped with another", func(b *Base, r *rand.Rand) []Edit {
		name, at := b.somewhere(r)
		at = at / blockSize * blockSize
		var first []byte
		edits := b.onBlock(r, func(file string, off int64, p []byte) {
			first = append(first, p...)
			copy(p, b.images[name].bytes(at, blockSize))
			if file == name && off == at {
				first = nil
			}
		})
		if first == nil {
			return nil
		}
		return append(edits, b.write(name, at, blockSize, func(p []byte) { copy(p, first) })...)
	}},
	{"block: from an older state", func(b *Base, r *rand.Rand) []Edit {
		if b.older == nil {
			return nil
		}
		return b.onBlock(r, func(name string, at int64, p []byte) {
			if m := b.older[name]; m != nil {
				copy(p, m.bytes(at, blockSize))
			}
		})
	}},
	{"block: random bytes", func(b *Base, r *rand.Rand) []Edit {
		return b.onBlock(r, func(_ string, _ int64, p []byte) { randomBytes(p, r) })
	}},
	{"block: text of another file", func(b *Base, r *rand.Rand) []Edit {
		return b.onBlock(r, func(_ string, _ int64, p []byte) {
			copy(p, bytes.Repeat([]byte("2026-11-26 12:00:00 a line of another program's log\n"), blockSize/50))
		})
	}},
}

func (b *Base) onBlock(r *rand.Rand, do func(name string, at int64, p []byte)) []Edit {
	name, at := b.somewhere(r)
	at = at / blockSize * blockSize
	return b.write(name, at, blockSize, func(p []byte) { do(name, at, p) })
}

// cutKinds cut files, and make them longer.
var cutKinds = []Kind{
	{"cut: anywhere", func(b *Base, r *rand.Rand) []Edit {
		name, at := b.somewhere(r)
		return []Edit{{Op: opResize, File: name, At: at}}
	}},
	{"cut: in the slots", func(b *Base, r *rand.Rand) []Edit {
		f := b.pickFile(r)
		if f == nil {
			return nil
		}
		return []Edit{{Op: opResize, File: f.name, At: r.Int64N(int64(len(f.slots)) * slotSize)}}
	}},
	{"cut: between slots and payloads", func(b *Base, r *rand.Rand) []Edit {
		f := b.pickFile(r)
		if f == nil {
			return nil
		}
		from := int64(len(f.slots)) * slotSize
		return []Edit{{Op: opResize, File: f.name, At: from + r.Int64N(payloadAt+1-from)}}
	}},
	{"cut: where a payload begins or ends", func(b *Base, r *rand.Rand) []Edit {
		f := b.pickFile(r)
		if f == nil {
			return nil
		}
		s := f.slots[pick(len(f.slots), r)]
		return []Edit{{Op: opResize, File: f.name, At: int64(s.offset) + []int64{0, lengthSize, lengthSize + int64(s.length)}[r.IntN(3)]}}
	}},
	{"cut: to nothing", func(b *Base, r *rand.Rand) []Edit {
		names := b.names()
		return []Edit{{Op: opResize, File: names[r.IntN(len(names))], At: 0}}
	}},
	{"made longer", func(b *Base, r *rand.Rand) []Edit {
		names := b.names()
		name := names[r.IntN(len(names))]
		return []Edit{{Op: opResize, File: name, At: b.images[name].size + 1 + r.Int64N(1<<20)}}
	}},
}

// fileKinds do something to whole files.
var fileKinds = []Kind{
	{"file: missing", func(b *Base, r *rand.Rand) []Edit {
		names := b.names()
		return []Edit{{Op: opRemove, File: names[r.IntN(len(names))]}}
	}},
	{"file: twice", func(b *Base, r *rand.Rand) []Edit {
		f := b.pickFile(r)
		if f == nil {
			return nil
		}
		return []Edit{{Op: opCopy, File: f.name, To: fmt.Sprintf("%05d.wal", 100+r.IntN(1000))}}
	}},
	{"file: over another", func(b *Base, r *rand.Rand) []Edit {
		f, g := b.pickFile(r), b.pickFile(r)
		if f == nil || f == g {
			return nil
		}
		return []Edit{{Op: opCopy, File: f.name, To: g.name}}
	}},
	{"file: another id", func(b *Base, r *rand.Rand) []Edit {
		f := b.pickFile(r)
		if f == nil {
			return nil
		}
		return []Edit{{Op: opRename, File: f.name, To: fmt.Sprintf("%05d.wal", 100+r.IntN(1000))}}
	}},
	{"file: no log file's name", func(b *Base, r *rand.Rand) []Edit {
		names := b.names()
		name := names[r.IntN(len(names))]
		return []Edit{{Op: opRename, File: name, To: name + ".bak"}}
	}},
	{"file: an older state", func(b *Base, r *rand.Rand) []Edit {
		if b.older == nil {
			return nil
		}
		names := b.names()
		name := names[r.IntN(len(names))]
		m := b.older[name]
		if m == nil {
			return nil
		}
		return []Edit{{Op: opReplace, File: name, image: m}}
	}},
}
