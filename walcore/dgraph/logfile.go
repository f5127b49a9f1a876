package dgraph

import (
	"crypto/cipher"
	"encoding/binary"
	"iter"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// LogFile is one NNNNN.wal, opened for reading, with its slot table in memory. The
// payloads' lengths are read once, when they are first needed.
type LogFile struct {
	*walcore.File
	Header format.KeyHeader

	f file
	*slotTable
	entrySlots // what the log takes from this file
	problems   problemList
	full       bool        // others with entries come after it
	earlier    []*fullFile // the files before it in the log's order

	mayBeEncrypted bool // it is, or was before its key header was erased

	cipher    cipher.Block // nil: the payloads are plain
	cipherErr error        // why payloads cannot be read at all
	erased    *ErasedKey   // nil: the file has its key header

	sizesOnce     sync.Once
	sized         atomic.Bool // what follows is there
	sizes         sizeColumn
	whole         bool // every slot has its payload
	sizesProblems problemList
	// As in sizeFaults.
	emptyingEnded, emptiedDuringRead bool
	emptied                          bool // payloads were, since their sizes were given

	// before is the same file as an earlier reader saw it, if its sizes are
	// there to begin with.
	before   atomic.Pointer[LogFile]
	verified atomic.Pointer[slotBits] // slots whose checksums were found right; nil: none yet
}

// Entries goes through the file's whole entries with an index of at least
// from, upwards.
func (l *LogFile) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		k := sort.Search(len(l.runs), func(k int) bool { return l.runs[k].last() >= from })
		for ; k < len(l.runs); k++ {
			if !l.yield(l.runs[k], from, yield) {
				return
			}
		}
	}
}

func (l *LogFile) yield(r run, from uint64, yield func(walcore.Entry) bool) bool {
	l.loadSizes()
	for i := r.slotFrom(from); i < r.slot+r.n; i++ {
		if size, whole := l.size(i); whole && !yield(l.entryOf(i, size)) {
			return false
		}
	}
	return true
}

// entry gives the entry of a slot that is in a run, if it is whole.
func (l *LogFile) entry(i int) (walcore.Entry, bool) {
	l.loadSizes()
	size, whole := l.size(i)
	if !whole {
		return walcore.Entry{}, false
	}
	return l.entryOf(i, size), true
}

// size is that of the payload of a slot that is in a run, if the entry is whole.
func (l *LogFile) size(i int) (n uint32, whole bool) {
	if l.isDropped(i) {
		return 0, false
	}
	return l.sizes.at(i)
}

func (l *LogFile) entryOf(i int, size uint32) walcore.Entry {
	return walcore.Entry{Term: l.Term(i), Index: l.Index(i), Type: walcore.EntryType(l.Type(i)), Size: int64(size),
		Offset: l.Offset(i), Slot: i, File: l.File}
}

// payloadBuffer is what a slot is read into, and a length with a small payload.
type payloadBuffer struct {
	slot   [format.SlotSize]byte
	stored [format.LengthSize + 2048]byte
}

// payloadBuffers spare an allocation for each payload.
var payloadBuffers = sync.Pool{New: func() any { return new(payloadBuffer) }}

// ReadPayload fills p with the payload's bytes from position at on, decrypted.
// The caller has bounded p by the entry's size. The slot is compared after the
// payload was read: what it gives is the listed entry's, or an error.
func (l *LogFile) ReadPayload(e walcore.Entry, p []byte, at int64) error {
	encrypted, err := l.decrypts(e.Slot)
	if err != nil {
		return err
	}
	if err := l.verify(&e); err != nil {
		return err
	}
	buf := payloadBuffers.Get().(*payloadBuffer)
	defer payloadBuffers.Put(buf)
	length, err := l.readStored(int64(e.Offset), p, at, buf.stored[:])
	if err != nil {
		return err
	}
	if err := readFull(l.f, buf.slot[:], int64(e.Slot)*format.SlotSize); err != nil {
		return err
	}
	if int64(length) != e.Size || format.DecodeSlot(buf.slot[:]) != l.Slot(e.Slot) {
		return walcore.ErrChanged
	}
	if encrypted {
		format.Decrypt(l.cipher, l.Header.IV(e.Offset), p, at)
	}
	return nil
}

// readStored reads the length at offset, and fills p with what is stored behind it
// from position at on: with one read where that goes into buf.
func (l *LogFile) readStored(offset int64, p []byte, at int64, buf []byte) (length uint32, err error) {
	if at == 0 && format.LengthSize+len(p) <= len(buf) {
		buf = buf[:format.LengthSize+len(p)]
		if err = readFull(l.f, buf, offset); err == nil {
			copy(p, buf[format.LengthSize:])
		}
	} else if err = readFull(l.f, buf[:format.LengthSize], offset); err == nil {
		err = readFull(l.f, p, offset+format.LengthSize+at)
	}
	return binary.BigEndian.Uint32(buf), err
}
