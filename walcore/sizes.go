package walcore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
)

// noPayload marks a slot whose payload is not where the slot says. A real
// length of 4 GiB - 1 would not fit a file behind its header and a 1 GiB limit.
const noPayload = math.MaxUint32

// load reads the payloads' lengths and checks each against its neighbours and
// the file's size. A length is not to be had without reading: payloads are
// packed, but emptied entries leave gaps.
func (l *LogFile) load() {
	l.sizesOnce.Do(func() {
		l.sizes = make([]uint32, l.Slots())
		for i := range l.sizes {
			l.sizes[i] = noPayload
		}
		known := l.inherit()
		lengths := &lengthReader{f: l.f, size: l.Attr.Size}
		read := make([]payloadLength, 0, l.Slots()-known)
		for _, r := range l.runs {
			for i := max(r.slot, known); i < r.slot+r.n; i++ {
				if !l.dropped[i] {
					n, err := lengths.at(l.slot(i).Offset)
					read = append(read, payloadLength{i, n, err})
				}
			}
		}
		// A length is the slot's only if the slot is still there: a writer
		// that reuses the place has emptied it before.
		end := l.sameUntil(l.f, known)
		inFile := make([]int, 0, len(read))
		for _, n := range read {
			if n.slot < end && l.setSize(n) {
				inFile = append(inFile, n.slot)
			}
		}
		l.fit(known-1, inFile, lengths)
		l.sized.Store(true)
	})
}

// wasEmptied reports whether payloads that had a size were emptied since, which
// leaves the slots as they are. All normal ones up to some index are, so that
// the first tells.
func (l *LogFile) wasEmptied() bool {
	if l == nil {
		return false
	}
	for i, size := range l.sizes {
		if size == 0 || size == noPayload || !l.canBeEmptied(i) {
			continue
		}
		var length [LengthSize]byte
		return readFull(l.f, length[:], int64(l.slot(i).Offset)) == nil && binary.BigEndian.Uint32(length[:]) == 0
	}
	return false
}

// payloadLength is what stands at a slot's data offset.
type payloadLength struct {
	slot int
	n    uint32
	err  error
}

// inherit takes the sizes that an earlier reader has settled, if the table has
// only grown since, and returns how many: all but the last, which had no
// neighbour yet.
func (l *LogFile) inherit() int {
	b := l.before.Swap(nil)
	if b == nil || b.Slots() == 0 || !bytes.HasPrefix(l.table, b.table) || slices.Contains(b.sizes, noPayload) ||
		slices.Contains(b.dropped, true) || slices.Contains(l.dropped[:b.Slots()], true) || len(b.runs) != 1 || b.runs[0].n != b.Slots() {
		return 0
	}
	l.full = b.full
	return copy(l.sizes, b.sizes[:b.Slots()-1])
}

// setSize takes a slot's length. It reports whether the payload ends within
// the file.
func (l *LogFile) setSize(p payloadLength) bool {
	s := l.slot(p.slot)
	if p.err != nil {
		l.badSize(p.slot, KindUnreadable, "the payload's length cannot be read: %v", p.err)
		return false
	}
	if s.Offset+LengthSize+uint64(p.n) > uint64(l.Attr.Size) {
		l.badSize(p.slot, KindLength, "the payload claims %d bytes, the file ends %d bytes behind its offset",
			p.n, uint64(l.Attr.Size)-s.Offset)
		return false
	}
	if p.n == 0 && s.Sum != 0 && s.Sum != Checksum(s, make([]byte, LengthSize)) {
		l.badSize(p.slot, KindLength, "the payload is empty, which its checksum denies: it was not written, or its length is lost")
		return false
	}
	l.sizes[p.slot] = p.n
	return true
}

func (l *LogFile) badSize(i int, kind Kind, format string, args ...any) {
	l.sizes[i] = noPayload
	l.sizesProblems.slot(l.Name, i, l.slot(i), kind, fmt.Sprintf(format, args...))
}

// fit compares each payload's end with the offset of the one after it. Where
// the two differ, a length or an offset is wrong, and would be read as bytes
// that no writer meant.
//
// i is the last slot that is known to be sound, or -1. l.full says that before
// it there is one that is not empty although emptying would have emptied it.
func (l *LogFile) fit(i int, slots []int, lengths *lengthReader) {
	before := i - 1
	for _, j := range slots {
		switch l.fitting(i, j, l.full, lengths) {
		case fits:
			l.full = l.full || i >= 0 && l.sizes[i] > 0 && l.canBeEmptied(i)
			before, i = i, j
		case wrongBefore:
			if at, next := l.slot(i).Offset, l.slot(j).Offset; at >= next {
				l.badSize(i, KindOffset, "the data offset is not below the next slot's, %d", next)
			} else {
				l.badSize(i, KindLength, "the payload claims %d bytes and ends at %d, but the next one begins at %d",
					l.sizes[i], l.end(i), next)
			}
			i = j
		case wrongNext:
			l.badSize(j, KindOffset, "the payload before ends at %d, not at this offset", l.end(i))
		case wrongEither:
			end := l.end(i)
			l.badSize(i, KindLength, "the payload ends at %d, but the next one begins at %d: this length or that offset is wrong",
				end, l.slot(j).Offset)
			l.badSize(j, KindOffset, "the payload before ends at %d: this offset or that length is wrong", end)
			i = before
		}
	}
}

type fitting int

const (
	fits fitting = iota
	wrongBefore
	wrongNext
	wrongEither
)

// fitting says whether slot j's payload can begin where it does behind slot
// i's, and if not, which of the two the payload after both speaks against.
func (l *LogFile) fitting(i, j int, full bool, lengths *lengthReader) fitting {
	if i < 0 {
		return fits
	}
	end, next := l.end(i), l.slot(j).Offset
	if end == next || end < next && l.mayLeaveGap(i, j, full) {
		return fits
	}
	behindEnd := j == i+1 && l.leadsOn(end, j, lengths)
	switch behindNext := l.leadsOn(next, j, lengths); {
	case behindNext && !behindEnd:
		return wrongBefore
	case behindEnd && !behindNext:
		return wrongNext
	}
	return wrongEither
}

// mayLeaveGap reports whether a writer leaves a gap between the payloads of
// slots i and j: of slots between them that are no entries, of an emptied
// entry, or before a rewrite in a sealed file, which must not use the same
// key stream again. Emptying takes all normal entries up to some index: behind
// one that is full, an empty one before a gap never reached the disk.
func (l *LogFile) mayLeaveGap(i, j int, full bool) bool {
	return j > i+1 || l.Header.KeyID != 0 || l.sizes[i] == 0 && !full && l.canBeEmptied(i)
}

// canBeEmptied: Dgraph empties normal entries, and overlooks those whose type
// word has its unused half set.
func (l *LogFile) canBeEmptied(i int) bool {
	return binary.BigEndian.Uint64(l.table[i*SlotSize+24:]) == uint64(raftpb.EntryType_EntryNormal)
}

// leadsOn reports whether a payload at off, taken for slot j's, ends where the
// payload of the slot after j begins.
func (l *LogFile) leadsOn(off uint64, j int, lengths *lengthReader) bool {
	if j+1 >= l.Slots() || l.dropped[j+1] || off+LengthSize > uint64(l.Attr.Size) {
		return false
	}
	n, err := lengths.at(off)
	return err == nil && off+LengthSize+uint64(n) == l.slot(j+1).Offset
}

// end is where the payload of a slot with a size ends.
func (l *LogFile) end(i int) uint64 { return l.slot(i).Offset + LengthSize + uint64(l.sizes[i]) }

// lengthReader reads length words, many at a time where payloads are small
// and come in their order.
type lengthReader struct {
	f    *os.File
	size int64
	buf  []byte
	from uint64 // of buf in the file
}

const lengthWindow = 64 << 10

// at reads the length at off, which the caller has bounded by the file's size.
func (r *lengthReader) at(off uint64) (uint32, error) {
	if off < r.from || off+LengthSize > r.from+uint64(len(r.buf)) {
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
