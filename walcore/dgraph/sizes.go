package dgraph

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/walfs/walfs/walcore/format"
)

// noPayload stands for the size of a payload that is not to be had. A real
// length of 4 GiB - 1 would not fit a file behind its header and a 1 GiB limit.
const noPayload = math.MaxUint32

// sizeColumn has the sizes of a file's payloads: each as how far it is from the
// room that the next offset leaves, which is nothing where payloads are packed.
type sizeColumn struct {
	slots  *format.PackedSlots
	column format.Column
}

// packSizes packs sizes, with noPayload for those that are not to be had.
func packSizes(slots *format.PackedSlots, sizes []uint32) sizeColumn {
	c := sizeColumn{slots: slots}
	c.column = format.PackColumn(len(sizes), func(numbers []uint64, from int) {
		for j := range numbers {
			numbers[j] = uint64(int32(sizes[from+j] - c.room(from+j)))
		}
	})
	return c
}

// at is the size of slot i's payload. ok is false if that is not to be had.
func (c *sizeColumn) at(i int) (n uint32, ok bool) {
	n = c.room(i) + uint32(c.column.At(i))
	return n, n != noPayload
}

// room is what the next slot's offset leaves for slot i's payload.
func (c *sizeColumn) room(i int) uint32 {
	if i+1 == c.slots.Len() {
		return 0
	}
	return uint32(c.slots.Offset(i+1) - c.slots.Offset(i) - format.LengthSize)
}

// loadSizes reads the payloads' lengths and finds out which of them are sound. A
// size is not to be had without reading: payloads are packed, but emptied entries
// leave gaps.
func (l *LogFile) loadSizes() {
	l.sizesOnce.Do(func() {
		in := l.readLengths(l.before.Swap(nil))
		faults := findSizeFaults(in)
		sizes := in.lengths
		for _, f := range faults.list {
			sizes[f.slot] = noPayload
			l.sizesProblems.slot(l.Name, f.slot, l.Slot(f.slot), f.kind, f.message)
		}
		l.emptyingEnded, l.emptiedDuringRead = faults.emptyingEnded, faults.emptiedDuringRead
		l.whole = !slices.Contains(sizes, noPayload)
		l.sizes = packSizes(&l.PackedSlots, sizes)
		l.sized.Store(true)
	})
}

// readLengths reads the lengths of all entries but those whose sizes are known
// from before, the same file as an earlier reader saw it, or nil.
func (l *LogFile) readLengths(before *LogFile) *storedLengths {
	reader := lengthReader{f: l.f, size: l.Attr.Size}
	in := &storedLengths{
		slots:     &l.PackedSlots,
		entries:   l.entrySlots,
		fileSize:  uint64(l.Attr.Size),
		encrypted: l.mayBeEncrypted,
		full:      l.full,
		lengths:   slices.Repeat([]uint32{noPayload}, l.Len()),
		failed:    map[int]error{},
		lengthAt:  reader.at,
		leftover:  l.leftover,
		read:      func(p []byte, offset uint64) error { return readFull(l.f, p, int64(offset)) },
		// Asked after this file's lengths were read: emptying begins with the first file.
		endedEarlier: func() bool { return leftFull(l.earlier, emptyingNote{}) },
	}
	if before != nil {
		in.sizeBefore = func(i int) (n uint32, ok bool) {
			if i >= before.Len() || before.Slot(i) != l.Slot(i) {
				return 0, false
			}
			return before.sizes.at(i)
		}
		if l.continues(before) {
			in.emptyingEnded = before.emptyingEnded
			in.sound = before.Len() - 1 // the last one had no neighbour yet
			for i := range in.sound {
				in.lengths[i], _ = before.sizes.at(i)
			}
		}
	}
	for i := range in.entries.from(in.sound) {
		var err error
		if in.lengths[i], err = reader.at(l.Offset(i)); err != nil {
			in.failed[i] = err
		}
	}
	// A length is the slot's only if the slot is still there: a writer that
	// reuses the place has emptied it before.
	end, err := l.firstDifference(l.f, in.sound, l.Len())
	if err != nil {
		for i := range in.entries.from(end) {
			in.failed[i] = fmt.Errorf("its slot cannot be read again: %w", err)
		}
		end = l.Len()
	}
	for i := end; i < l.Len(); i++ {
		in.lengths[i] = noPayload
	}
	in.end = end
	return in
}

// continues reports whether the file is as it was before, but for new slots, and all
// slots were sound entries then.
func (l *LogFile) continues(before *LogFile) bool {
	n := before.Len()
	return n > 0 && before.whole && before.dropped == nil && len(before.runs) == 1 && before.runs[0].n == n &&
		l.extends(before.slotTable) && (l.dropped == nil || !slices.Contains(l.dropped[:n], true))
}

// emptiedSince reports whether payloads that had a size may have been emptied
// since that was found, which leaves the slots as they are. All normal ones up to
// some index are, so that the first tells.
func (l *LogFile) emptiedSince() bool {
	return l.emptiedDuringRead || l.emptied || emptiedAt(l.f, l.firstFull())
}

// firstFull is the offset of the first payload that may be emptied and was not; 0 if there is none.
func (l *LogFile) firstFull() uint64 {
	for i := range l.Len() {
		if n, ok := l.sizes.at(i); ok && n > 0 && format.CanBeEmptied(l.Type(i), l.Sum(i)) {
			return l.Offset(i)
		}
	}
	return 0
}

// emptiedAt reports whether the payload at an offset has been emptied since; at 0 there is none.
func emptiedAt(f file, offset uint64) bool {
	if offset == 0 {
		return false
	}
	n, err := lengthAt(f, offset)
	return err != nil || n == 0
}

// lengthReader reads length words, many at a time where payloads are small
// and come in their order.
type lengthReader struct {
	f    file
	size int64
	buf  []byte
	from uint64 // of buf in the file
}

const lengthWindow = 64 << 10

// at reads the length at off, which the caller has bounded by the file's size.
func (r *lengthReader) at(off uint64) (uint32, error) {
	if off < r.from || off+format.LengthSize > r.from+uint64(len(r.buf)) {
		if r.buf == nil {
			r.buf = make([]byte, lengthWindow)
		}
		r.buf = r.buf[:min(lengthWindow, r.size-int64(off))]
		if err := readFull(r.f, r.buf, int64(off)); err != nil {
			r.buf = r.buf[:0]
			return 0, err
		}
		r.from = off
	}
	return binary.BigEndian.Uint32(r.buf[off-r.from:]), nil
}
