package storage

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/format"
)

// damageOf is something that happens to a directory.
type damageOf struct {
	name string
	do   func(t testing.TB, dir string)
}

// damageLog is the log files that damages are done to: each has so many slots.
var damageLog = []struct {
	name  string
	slots int
}{{format.FileName(1), 10}, {format.FileName(2), 10}, {format.FileName(3), 5}}

// allDamages are damages of every field of slots, lengths, headers and wal.meta, and of
// whole slots, blocks and files: in each file, in its first slots, a middle one, the
// last one and the one behind it.
func allDamages() []damageOf {
	list := append(damagesOfMeta(), damagesOfFiles()...)
	for _, file := range damageLog {
		for _, slot := range []int{0, 1, file.slots / 2, file.slots - 2, file.slots - 1, file.slots} {
			list = append(list, damagesOfSlot(file.name, slot, file.slots)...)
			list = append(list, damagesOfPayload(file.name, slot)...)
		}
		list = append(list, damagesOfHeader(file.name)...)
	}
	return list
}

// slotFields are where in a slot its fields are, and how long.
var slotFields = []struct {
	name    string
	at, len int
}{{"term", 0, 8}, {"index", 8, 8}, {"offset", 16, 8}, {"sum", 24, 4}, {"type", 28, 4}}

func damagesOfSlot(file string, slot, slots int) []damageOf {
	var list []damageOf
	at := int64(slot) * format.SlotSize
	add := func(what string, change func(slot, before, behind, last []byte)) {
		list = append(list, damageOf{fmt.Sprintf("%s slot %d: %s", file, slot, what), func(t testing.TB, dir string) {
			raw := func(i int) []byte { return peek(t, dir, file, int64(max(i, 0))*format.SlotSize, format.SlotSize) }
			b := raw(slot)
			change(b, raw(slot-1), raw(slot+1), raw(slots-1))
			patch(t, dir, file, at, b)
		}})
	}
	for _, f := range slotFields {
		field := func(b []byte) []byte { return b[f.at : f.at+f.len] }
		for _, bit := range []int{0, 1, 4, 20, 8*f.len - 2} {
			add(fmt.Sprintf("bit %d of the %s", bit, f.name), func(b, _, _, _ []byte) { field(b)[f.len-1-bit/8] ^= 1 << (bit % 8) })
		}
		add("no "+f.name, func(b, _, _, _ []byte) { clear(field(b)) })
		add(f.name+" of the slot before", func(b, before, _, _ []byte) { copy(field(b), field(before)) })
		add(f.name+" of the slot behind", func(b, _, behind, _ []byte) { copy(field(b), field(behind)) })
		add(f.name+" of the last slot", func(b, _, _, last []byte) { copy(field(b), field(last)) })
	}
	add("empty", func(b, _, _, _ []byte) { clear(b) })
	add("the slot before", func(b, before, _, _ []byte) { copy(b, before) })
	add("the slot behind", func(b, _, behind, _ []byte) { copy(b, behind) })
	add("the last slot", func(b, _, _, last []byte) { copy(b, last) })
	return list
}

// damagesOfPayload damage a payload and its length.
func damagesOfPayload(file string, slot int) []damageOf {
	var list []damageOf
	add := func(what string, change func(length uint32) uint32) {
		list = append(list, damageOf{fmt.Sprintf("%s slot %d: %s", file, slot, what), func(t testing.TB, dir string) {
			at := int64(format.DecodeSlot(peek(t, dir, file, int64(slot)*format.SlotSize, format.SlotSize)).Offset)
			if at < format.PayloadAt {
				return // of an empty slot
			}
			length := binary.BigEndian.Uint32(peek(t, dir, file, at, format.LengthSize))
			patch(t, dir, file, at, binary.BigEndian.AppendUint32(nil, change(length)))
		}})
	}
	add("length 0", func(uint32) uint32 { return 0 })
	add("length less", func(n uint32) uint32 { return n - 1 })
	add("length more", func(n uint32) uint32 { return n + 1 })
	add("length beyond the file", func(n uint32) uint32 { return n | 1<<30 })
	add("length of everything", func(uint32) uint32 { return 1<<32 - 1 })
	return list
}

func damagesOfHeader(file string) []damageOf {
	at := func(what string, from int64, change func(b []byte)) damageOf {
		return damageOf{file + ": " + what, func(t testing.TB, dir string) {
			b := peek(t, dir, file, from, 8)
			change(b)
			patch(t, dir, file, from, b)
		}}
	}
	return []damageOf{
		at("another key id", format.KeyHeaderAt, func(b []byte) { b[7] ^= 2 }),
		at("no key id", format.KeyHeaderAt, func(b []byte) { clear(b) }),
		at("no base IV", format.KeyHeaderAt+8, func(b []byte) { clear(b) }),
		at("another base IV", format.KeyHeaderAt+8, func(b []byte) { b[3] ^= 1 }),
	}
}

// damagesOfFiles damage whole files, and blocks of them.
func damagesOfFiles() []damageOf {
	var list []damageOf
	for k, file := range damageLog {
		name := file.name
		add := func(what string, do func(t testing.TB, path string)) {
			list = append(list, damageOf{name + ": " + what, func(t testing.TB, dir string) {
				if path := filepath.Join(dir, name); exists(path) {
					do(t, path)
				}
			}})
		}
		for _, size := range []int64{0, 1, 16, 64, 100, 320, format.SlotTableSize, format.KeyHeaderAt, format.PayloadAt, format.PayloadAt + 3, format.PayloadAt + 50} {
			add(fmt.Sprintf("cut to %d bytes", size), func(t testing.TB, path string) { fixture.Must(t, os.Truncate(path, size)) })
		}
		add("longer", func(t testing.TB, path string) { fixture.Must(t, os.Truncate(path, 300<<20)) })
		add("gone", func(t testing.TB, path string) { fixture.Must(t, os.Remove(path)) })
		add("twice", func(t testing.TB, path string) {
			copyFile(t, path, filepath.Join(filepath.Dir(path), format.FileName(7)))
		})
		add("no slots", func(t testing.TB, path string) {
			patch(t, filepath.Dir(path), name, 0, make([]byte, file.slots*format.SlotSize))
		})
		add("no first slots", func(t testing.TB, path string) {
			patch(t, filepath.Dir(path), name, 0, make([]byte, 4*format.SlotSize))
		})
		add("no last slots", func(t testing.TB, path string) {
			patch(t, filepath.Dir(path), name, 3*format.SlotSize, make([]byte, 30*format.SlotSize))
		})
		add("no first payloads", func(t testing.TB, path string) {
			patch(t, filepath.Dir(path), name, format.PayloadAt, make([]byte, 64))
		})
		other := damageLog[(k+1)%len(damageLog)].name
		add("as "+other, func(t testing.TB, path string) {
			to := filepath.Join(filepath.Dir(path), other)
			fixture.Must(t, os.RemoveAll(to))
			copyFile(t, path, to)
		})
		add("slots of "+other, func(t testing.TB, path string) {
			if dir := filepath.Dir(path); exists(filepath.Join(dir, other)) {
				patch(t, dir, name, 0, peek(t, dir, other, 0, 4096))
			}
		})
	}
	return list
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	dir := stateOf(t, filepath.Dir(from))
	f, err := os.Create(to)
	fixture.Must(t, err)
	image := dir[filepath.Base(from)]
	for k, b := range image.Blocks {
		_, err := f.WriteAt(b, k*int64(image.Block))
		fixture.Must(t, err)
	}
	fixture.Must(t, f.Truncate(image.Size))
	fixture.Must(t, f.Close())
}

func damagesOfMeta() []damageOf {
	var list []damageOf
	write := func(what string, p meta.Patch) {
		list = append(list, damageOf{"wal.meta: " + what, func(t testing.TB, dir string) { patch(t, dir, format.MetaName, p.At, p.Bytes) }})
	}
	for _, hs := range [][3]uint64{{0, 0, 0}, {1, 1, 0}, {2, 1, 22}, {3, 1, 0}, {3, 0, 12}, {3, 1, 24}, {3, 1, 26}, {3, 1, 1 << 40}, {1 << 63, 1, 3}, {9, 1, 25}} {
		b := meta.EncodeHardState(hs[0], hs[1], hs[2])
		b.Bytes = append(b.Bytes, make([]byte, 40)...)
		write(fmt.Sprintf("hard state %d", hs), b)
	}
	write("no hard state", meta.Patch{At: meta.HardStateAt, Bytes: make([]byte, 64)})
	for _, checkpoint := range []uint64{0, 25, 26, 1 << 62} {
		write(fmt.Sprintf("checkpoint %d", checkpoint), meta.EncodeIDs(1, 1, checkpoint))
	}
	for _, note := range [][2]uint64{{5, 0}, {0, 2}, {24, 1}, {40, 3}} {
		write(fmt.Sprintf("note %d", note), meta.EncodeEmptying(note[0], note[1]))
	}
	flip := func(what string, at int64, bit byte) {
		list = append(list, damageOf{fmt.Sprintf("wal.meta: bit %d of byte %d: %s", bit, at, what), func(t testing.TB, dir string) {
			b := peek(t, dir, format.MetaName, at, 1)
			patch(t, dir, format.MetaName, at, []byte{b[0] ^ 1<<bit})
		}})
	}
	for _, bit := range []byte{0, 3, 7} {
		for at := int64(meta.HardStateAt); at < meta.HardStateAt+11; at++ {
			flip("the hard state", at, bit)
		}
		for at := int64(meta.SnapshotIndexAt + 6); at < meta.SnapshotIndexAt+48; at++ {
			flip("the snapshot", at, bit)
		}
	}
	for _, size := range []int64{0, 20, 512, 520, 1024, 1042, 1050} {
		list = append(list, damageOf{fmt.Sprintf("wal.meta: cut to %d bytes", size), func(t testing.TB, dir string) {
			fixture.Must(t, os.Truncate(filepath.Join(dir, format.MetaName), size))
		}})
	}
	return append(list, damageOf{"wal.meta: gone", func(t testing.TB, dir string) {
		fixture.Must(t, os.Remove(filepath.Join(dir, format.MetaName)))
	}})
}
