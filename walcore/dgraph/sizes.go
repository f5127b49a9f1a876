package dgraph

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"os"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// noPayload marks a slot whose payload is not where the slot says. A real
// length of 4 GiB - 1 would not fit a file behind its header and a 1 GiB limit.
const noPayload = math.MaxUint32

// load reads the payloads' lengths and checks each against its neighbours and
// the file's size. A length is not to be had without reading: payloads are
// packed, but emptied entries leave gaps.
func (l *LogFile) load() {
	l.sizesOnce.Do(func() {
		s := sizing{LogFile: l, sizes: make([]uint32, l.Len()), lengths: lengthReader{f: l.f, size: l.Attr.Size}}
		s.settle()
		l.whole = !slices.Contains(s.sizes, noPayload)
		l.sizes = format.PackColumn(l.Len(), func(numbers []uint64, from int) {
			for j := range numbers {
				numbers[j] = uint64(int32(s.sizes[from+j] - l.room(from+j)))
			}
		})
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
	if l.emptiedLate {
		return true
	}
	for i := range l.Len() {
		if size := l.size(i); size == 0 || size == noPayload || !l.canBeEmptied(i) {
			continue
		}
		var length [format.LengthSize]byte
		return readFull(l.f, length[:], int64(l.Offset(i))) == nil && binary.BigEndian.Uint32(length[:]) == 0
	}
	return false
}

// size is the size of slot i's payload, or noPayload. The column has what is
// not to be seen from the offsets.
func (l *LogFile) size(i int) uint32 { return l.room(i) + uint32(l.sizes.At(i)) }

// room is what the next slot's offset leaves for slot i's payload.
func (l *LogFile) room(i int) uint32 {
	if i+1 == l.Len() {
		return 0
	}
	return uint32(l.Offset(i+1) - l.Offset(i) - format.LengthSize)
}

// sizing is a file whose payloads' sizes are being settled.
type sizing struct {
	*LogFile
	sizes   []uint32 // or noPayload
	lengths lengthReader
}

func (l *sizing) settle() {
	for i := range l.sizes {
		l.sizes[i] = noPayload
	}
	before := l.before.Swap(nil)
	known := l.inherit(before)
	failed := map[int]error{}
	for i := range l.entriesFrom(known) {
		var err error
		if l.sizes[i], err = l.lengths.at(l.Offset(i)); err != nil {
			failed[i] = err
		}
	}
	// A length is the slot's only if the slot is still there: a writer
	// that reuses the place has emptied it before.
	end := l.sameUntil(l.f, known)
	for i := range l.entriesFrom(known) {
		if i < end {
			l.check(i, failed[i])
			l.keepFrom(before, i)
		} else {
			l.sizes[i] = noPayload
		}
	}
	l.fit(known)
}

// entriesFrom goes through the slots from the given one on that are entries.
func (l *LogFile) entriesFrom(from int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for _, r := range l.runs {
			for i := max(r.slot, from); i < r.slot+r.n; i++ {
				if !l.isDropped(i) && !yield(i) {
					return
				}
			}
		}
	}
}

// inherit takes the sizes that an earlier reader has settled, if the table has
// only grown since, and returns how many: all but the last, which had no
// neighbour yet.
func (l *sizing) inherit(b *LogFile) int {
	if b == nil || b.Len() == 0 || !b.whole || b.dropped != nil || len(b.runs) != 1 || b.runs[0].n != b.Len() ||
		!l.extends(b.slotTable) || l.dropped != nil && slices.Contains(l.dropped[:b.Len()], true) {
		return 0
	}
	l.full = b.full
	known := b.Len() - 1
	for i := range known {
		l.sizes[i] = b.size(i)
	}
	return known
}

// keepFrom takes back the length of slot i if an earlier reader has found a
// payload there and it was emptied since, after this reader has looked for that:
// under one Identity a payload does not get another size. The next reader has
// another.
func (l *sizing) keepFrom(b *LogFile, i int) {
	if b == nil || i >= b.Len() || l.sizes[i] != 0 || !l.canBeEmptied(i) || b.Slot(i) != l.Slot(i) {
		return
	}
	if was := b.size(i); was != 0 && was != noPayload {
		l.badSize(i, walcore.KindEmptying, "the payload was emptied this moment")
		l.emptiedLate = true
	}
}

// check takes back the length of slot i if it cannot be one; err is what
// reading it has failed with.
func (l *sizing) check(i int, err error) {
	s, n := l.Slot(i), l.sizes[i]
	switch {
	case err != nil:
		l.badSize(i, walcore.KindUnreadable, "the payload's length cannot be read: %v", err)
	case n == noPayload:
		l.badSize(i, walcore.KindLength, "the payload claims %d bytes: no log file has that much", n)
	case s.Offset+format.LengthSize+uint64(n) > uint64(l.Attr.Size):
		l.badSize(i, walcore.KindLength, "the payload claims %d bytes, the file ends %d bytes behind its offset",
			n, uint64(l.Attr.Size)-s.Offset)
	case n == 0 && s.Sum != 0 && s.Sum != format.Checksum(s, make([]byte, format.LengthSize)):
		l.badSize(i, walcore.KindLength, "the payload is empty, which its checksum denies: it was not written, or its length is lost")
	}
}

func (l *sizing) badSize(i int, kind walcore.Kind, format string, args ...any) {
	l.sizes[i] = noPayload
	l.sizesProblems.slot(l.Name, i, l.Slot(i), kind, fmt.Sprintf(format, args...))
}

// fit compares each payload's end with the offset of the one after it. Where
// the two differ, a length or an offset is wrong, and would be read as bytes
// that no writer meant.
//
// The slots before known are sound. l.full says that before the last of them
// there is one that is not empty although emptying would have emptied it.
func (l *sizing) fit(known int) {
	i := known - 1
	before := i - 1
	for j := range l.entriesFrom(known) {
		if l.sizes[j] == noPayload {
			continue
		}
		switch l.fitting(i, j) {
		case fits:
			l.full = l.full || i >= 0 && l.sizes[i] > 0 && l.canBeEmptied(i)
			before, i = i, j
		case wrongBefore:
			if at, next := l.Offset(i), l.Offset(j); at >= next {
				l.badSize(i, walcore.KindOffset, "the data offset is not below the next slot's, %d", next)
			} else {
				l.badSize(i, walcore.KindLength, "the payload claims %d bytes and ends at %d, but the next one begins at %d",
					l.sizes[i], l.end(i), next)
			}
			i = j
		case wrongNext:
			l.badSize(j, walcore.KindOffset, "the payload before ends at %d, not at this offset", l.end(i))
		case wrongEither:
			end := l.end(i)
			l.badSize(i, walcore.KindLength, "the payload ends at %d, but the next one begins at %d: this length or that offset is wrong",
				end, l.Offset(j))
			l.badSize(j, walcore.KindOffset, "the payload before ends at %d: this offset or that length is wrong", end)
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
func (l *sizing) fitting(i, j int) fitting {
	if i < 0 {
		return fits
	}
	end, next := l.end(i), l.Offset(j)
	if end == next {
		return fits
	}
	gap := format.Gap{Bytes: int64(next) - int64(end), Encrypted: l.Header.KeyID != 0, Skipped: j > i+1,
		Size: l.sizes[i], Type: l.Type(i), Sum: l.Sum(i)}
	if gap.Legal(func() bool { return l.full }) {
		return fits
	}
	behindEnd := j == i+1 && l.leadsOn(end, j)
	switch behindNext := l.leadsOn(next, j); {
	case behindNext && !behindEnd:
		return wrongBefore
	case behindEnd && !behindNext:
		return wrongNext
	}
	return wrongEither
}

// canBeEmptied is format.CanBeEmptied of slot i.
func (l *LogFile) canBeEmptied(i int) bool { return format.CanBeEmptied(l.Type(i), l.Sum(i)) }

// leadsOn reports whether a payload at off, taken for slot j's, ends where the
// payload of the slot after j begins.
func (l *sizing) leadsOn(off uint64, j int) bool {
	if j+1 >= l.Len() || l.isDropped(j+1) || off+format.LengthSize > uint64(l.Attr.Size) {
		return false
	}
	n, err := l.lengths.at(off)
	return err == nil && off+format.LengthSize+uint64(n) == l.Offset(j+1)
}

// end is where the payload of a slot with a size ends.
func (l *sizing) end(i int) uint64 { return l.Offset(i) + format.LengthSize + uint64(l.sizes[i]) }

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
