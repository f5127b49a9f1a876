package dgraph

import (
	"encoding/binary"
	"fmt"
	"io"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// imageFile is a log file in an image: its first slots, and their payloads.
type imageFile struct {
	*LogFile
	slots int
	size  int64
}

func newImageFile(k KeptFile) *imageFile {
	return &imageFile{k.LogFile, k.Slots, max(k.End, format.PayloadAt)}
}

func (f *imageFile) native() walcore.NativeFile {
	attr := f.Attr
	attr.Size, attr.Blocks = f.size, 0
	for at := int64(0); ; {
		from, to, found := f.NextData(at)
		if !found {
			return walcore.NativeFile{Name: f.Name, Attr: attr, ReaderAt: f}
		}
		attr.Blocks += blocks(to - from)
		at = to
	}
}

func (f *imageFile) begin(i int) int64 { return int64(f.Offset(i)) }

func (f *imageFile) end(i int) int64 {
	size, _ := f.sizes.at(i)
	return f.begin(i) + format.LengthSize + int64(size)
}

// firstEndingBehind is the first slot whose payload ends behind an offset.
func (f *imageFile) firstEndingBehind(off int64) int {
	return sort.Search(f.slots, func(i int) bool { return f.end(i) > off })
}

// ReadAt reads as io.ReaderAt says.
func (f *imageFile) ReadAt(p []byte, off int64) (int, error) {
	part, end := within(p, off, f.size)
	all := len(part)
	if n := min(format.PayloadAt-off, int64(len(part))); n > 0 {
		f.readTable(part[:n], off)
		part, off = part[n:], off+n
	}
	if len(part) > 0 {
		if err := f.readPayloads(part, off); err != nil {
			return 0, err
		}
	}
	return all, end
}

// readTable gives what stands before the payloads.
func (f *imageFile) readTable(p []byte, off int64) {
	clear(p)
	first := int(off / format.SlotSize)
	if n := min(f.slots-first, (len(p)+2*format.SlotSize-1)/format.SlotSize); n > 0 {
		raw := make([]byte, n*format.SlotSize)
		f.Unpack(raw, first)
		copy(p, raw[off-int64(first)*format.SlotSize:])
	}
	header := format.EncodeKeyHeader(f.Header)
	if at := format.KeyHeaderAt - off; at >= 0 && at < int64(len(p)) {
		copy(p[at:], header[:])
	} else if at < 0 && -at < format.KeyHeaderSize {
		copy(p, header[-at:])
	}
}

// readPayloads reads what is stored at off, and then looks whether the slots are still
// the listed ones: a payload is that of a slot which has not changed after it was read.
func (f *imageFile) readPayloads(p []byte, off int64) error {
	if err := readFull(f.f, p, off); err != nil {
		return walcore.FileError(f.Name, err).At(uint64(off))
	}
	first := f.firstEndingBehind(off)
	behind := first + sort.Search(f.slots-first, func(i int) bool { return f.begin(first+i) >= off+int64(len(p)) })
	// The next slot too: without it, a writer may be at work in the gap before it.
	last := min(behind+1, f.slots)
	same, err := f.firstDifference(f.f, first, last)
	if err == nil && same < last {
		err = walcore.ErrChanged
	}
	if err != nil {
		return walcore.SlotError(f.Name, same, err).OfEntry(f.Index(same))
	}
	for i := first; i < behind; i++ {
		if err := f.check(i, p, off); err != nil {
			return walcore.SlotError(f.Name, i, err).At(f.Offset(i)).OfEntry(f.Index(i))
		}
	}
	return nil
}

// check looks whether a slot's payload is the listed one, which may have been emptied,
// and has its checksum. p is what is stored at off: a part of the payload, or all.
func (f *imageFile) check(i int, p []byte, off int64) error {
	size, _ := f.sizes.at(i)
	from, to := f.begin(i)-off, f.end(i)-off
	word := make([]byte, format.LengthSize)
	if from >= 0 && from+format.LengthSize <= int64(len(p)) {
		word = p[from : from+format.LengthSize]
	} else if err := readFull(f.f, word, f.begin(i)); err != nil {
		return err
	}
	if binary.BigEndian.Uint32(word) != size {
		return walcore.ErrChanged
	}
	slot := f.Slot(i)
	if slot.Sum == 0 {
		return nil
	}
	if from < 0 || to > int64(len(p)) {
		e := f.entryOf(i, size)
		return f.verify(&e)
	}
	if got := format.Checksum(slot, p[from:to]); got != slot.Sum {
		return fmt.Errorf("the checksum is %08x, want %08x: %w", got, slot.Sum, walcore.ErrDamaged)
	}
	return nil
}

// NextData says where the file's data are.
func (f *imageFile) NextData(off int64) (from, to int64, found bool) {
	switch table := int64(f.slots) * format.SlotSize; {
	case off < table:
		return off, table, true
	case off < format.PayloadAt && f.Header != format.KeyHeader{}:
		return max(off, format.KeyHeaderAt), format.PayloadAt, true
	}
	return max(off, format.PayloadAt), f.size, off < f.size
}

// Same is the range of payloads that an earlier image's file has, too.
func (f *imageFile) Same(earlier io.ReaderAt) (from, to int64) {
	e, ok := earlier.(*imageFile)
	if !ok || e.Header != f.Header {
		return format.PayloadAt, 0
	}
	if same := int(f.sameSlots(0, e.LogFile, 0, uint64(min(f.slots, e.slots)))); same > 0 {
		return format.PayloadAt, f.end(same - 1)
	}
	return format.PayloadAt, 0
}
