package walcore

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync"

	"go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sys/unix"
)

// LogFile is one NNNNN.wal, opened for reading. Its slot table is read once,
// when it is opened; the payloads' lengths once, when they are first needed.
type LogFile struct {
	ID     uint64
	Name   string
	Attr   Attr
	Header KeyHeader

	f     *os.File
	table []byte // the slots before the first empty one
	runs  []run  // what the log takes from this file, upwards
	// dropped marks slots that are no entry, in a run or not.
	dropped  []bool
	problems problemList

	seal    cipher.Block // nil: the payloads are plain
	sealErr error        // why payloads cannot be read at all

	sizesOnce     sync.Once
	sizes         []uint32 // of the payloads, or noPayload
	sizesProblems problemList

	verified sync.Map // slots whose checksum was found right
}

// noPayload marks a slot whose payload is not where the slot says. A real
// length of 4 GiB - 1 would not fit a file behind its header and a 1 GiB limit.
const noPayload = math.MaxUint32

// newLogFile reads the slot table and the key header of f.
func newLogFile(id uint64, f *os.File, attr Attr) (*LogFile, error) {
	l := &LogFile{ID: id, Name: FileName(id), Attr: attr, f: f}
	table := make([]byte, min(attr.Size, SlotTableSize)/SlotSize*SlotSize)
	if err := readFull(f, table, 0); err != nil {
		return nil, err
	}
	n := 0
	for n < len(table)/SlotSize && DecodeSlot(table[n*SlotSize:]).Index != 0 {
		n++
	}
	l.table = append([]byte(nil), table[:n*SlotSize]...)
	l.dropped = make([]bool, n)
	for i := n; i < len(table)/SlotSize && !allZero(table[i*SlotSize:]); i++ {
		if s := DecodeSlot(table[i*SlotSize:]); s.Index != 0 {
			l.problems.slot(l.Name, i, s, KindLeftover, fmt.Sprintf(
				"stands behind the end of the table (slot %d is empty): left by a rewrite that was cut off, or the slots before it are lost", n))
		}
	}
	if attr.Size < PayloadAt {
		l.problems.add(Problem{File: l.Name, Slot: -1, Kind: KindCut, Message: fmt.Sprintf(
			"%d bytes, a log file has at least %d: cut short, or being deleted", attr.Size, PayloadAt)})
		return l, nil
	}
	var header [KeyHeaderSize]byte
	if err := readFull(f, header[:], KeyHeaderAt); err != nil {
		return nil, err
	}
	l.Header = DecodeKeyHeader(header[:])
	return l, nil
}

// readFull fills p from f at off. It fails with ErrChanged if the file ends
// before that: its size was looked at before.
func readFull(f *os.File, p []byte, off int64) error {
	n, err := f.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the file now ends at %d: %w", off+int64(n), ErrChanged)
	}
	return err
}

// Slots is the number of slots in use, sound or not.
func (l *LogFile) Slots() int { return len(l.table) / SlotSize }

func (l *LogFile) slot(i int) Slot { return DecodeSlot(l.table[i*SlotSize:]) }

// order finds the file's part of the log by its slots alone.
func (l *LogFile) order() {
	runs := runsOf(l.Slots(), l.slot)
	chain := longestChain(runs)
	next := 0
	for i := range l.Slots() {
		s := l.slot(i)
		for next < len(chain) && i >= chain[next].slot+chain[next].n {
			next++
		}
		switch {
		case s.Index > MaxNumber || s.Term > MaxNumber:
			l.dropped[i] = true
			l.problems.slot(l.Name, i, s, KindRange, fmt.Sprintf("term %d, index %d: no log gets there", s.Term, s.Index))
		case next == len(chain) || i < chain[next].slot:
			l.dropped[i] = true
			l.problems.slot(l.Name, i, s, KindOrder, "the index does not follow the one before")
		case s.Offset < PayloadAt || s.Offset > uint64(max(l.Attr.Size-LengthSize, 0)):
			l.dropped[i] = true
			l.problems.slot(l.Name, i, s, KindOffset, fmt.Sprintf(
				"the data offset is not between %d and the file's end at %d", PayloadAt, l.Attr.Size))
		case s.Type < raftpb.EntryType_EntryNormal || s.Type > raftpb.EntryType_EntryConfChangeV2:
			l.problems.slot(l.Name, i, s, KindType, fmt.Sprintf("type %d is none of Raft's: the entry is not under types/", s.Type))
		}
	}
	l.runs = chain
}

// load reads the payloads' lengths and checks each against its neighbours and
// the file's size. A length is not to be had without reading: payloads are
// packed, but emptied entries and rewrites leave gaps.
func (l *LogFile) load() {
	l.sizesOnce.Do(func() {
		l.sizes = make([]uint32, l.Slots())
		for i := range l.sizes {
			l.sizes[i] = noPayload
		}
		lengths := lengthReader{f: l.f, size: l.Attr.Size}
		prevEnd := uint64(PayloadAt)
		for _, r := range l.runs {
			for i := r.slot; i < r.slot+r.n; i++ {
				if l.dropped[i] {
					continue
				}
				prevEnd = l.loadSize(i, prevEnd, &lengths)
			}
		}
	})
}

// loadSize settles one slot's payload; prevEnd is where the sound payloads
// before it end, and so is the result for those up to it.
func (l *LogFile) loadSize(i int, prevEnd uint64, lengths *lengthReader) uint64 {
	s := l.slot(i)
	bad := func(kind Kind, format string, args ...any) uint64 {
		l.sizesProblems.slot(l.Name, i, s, kind, fmt.Sprintf(format, args...))
		return prevEnd
	}
	next := uint64(math.MaxUint64) // where the next slot's payload begins
	if i+1 < l.Slots() && !l.dropped[i+1] {
		next = l.slot(i + 1).Offset
	}
	switch {
	case s.Offset < prevEnd:
		return bad(KindOffset, "the data offset lies inside the payload before, which ends at %d", prevEnd)
	case next >= prevEnd && next <= s.Offset:
		// The next slot is in line and this one is not.
		return bad(KindOffset, "the data offset is not below the next slot's, %d", next)
	}
	n, err := lengths.at(int64(s.Offset))
	if err != nil {
		return bad(KindUnreadable, "the payload's length cannot be read: %v", err)
	}
	end := s.Offset + LengthSize + uint64(n)
	if end > uint64(l.Attr.Size) {
		return bad(KindLength, "the payload claims %d bytes, the file ends %d bytes behind its offset", n, l.Attr.Size-int64(s.Offset))
	}
	if next > s.Offset && end > next {
		return bad(KindLength, "the payload claims %d bytes, but the next one begins at %d", n, next)
	}
	if n == 0 && s.Sum != 0 && s.Sum != Checksum(s, make([]byte, LengthSize)) {
		return bad(KindLength, "the payload is empty, which its checksum denies: it was not written, or its length is lost")
	}
	l.sizes[i] = n
	return end
}

// lengthReader reads length words at growing offsets, many at a time where
// payloads are small.
type lengthReader struct {
	f    *os.File
	size int64
	buf  []byte
	from int64 // of buf in the file
}

const lengthWindow = 64 << 10

func (r *lengthReader) at(off int64) (uint32, error) {
	if off < r.from || off+LengthSize > r.from+int64(len(r.buf)) {
		if r.buf == nil {
			r.buf = make([]byte, lengthWindow)
		}
		r.buf = r.buf[:min(lengthWindow, r.size-off)]
		if err := readFull(r.f, r.buf, off); err != nil {
			r.buf = r.buf[:0]
			return 0, err
		}
		r.from = off
	}
	return binary.BigEndian.Uint32(r.buf[off-r.from:]), nil
}

// readPayload fills p with the payload's bytes from position at on, in the
// clear. The caller has bounded p by the entry's size. What it returns is the
// listed entry's, or an error: the slot is compared after the payload was read.
func (l *LogFile) readPayload(e *Entry, p []byte, at int64) error {
	if l.sealErr != nil {
		return l.sealErr
	}
	if err := l.verify(e); err != nil {
		return err
	}
	var length [LengthSize]byte
	off := int64(e.Offset)
	if at == 0 {
		n, err := preadv(l.f, [][]byte{length[:], p}, off)
		if err != nil {
			return err
		}
		if n < LengthSize+len(p) {
			return fmt.Errorf("the file now ends at %d: %w", off+int64(n), ErrChanged)
		}
	} else {
		if err := readFull(l.f, p, off+LengthSize+at); err != nil {
			return err
		}
		if err := readFull(l.f, length[:], off); err != nil {
			return err
		}
	}
	var slot [SlotSize]byte
	if err := readFull(l.f, slot[:], int64(e.Slot)*SlotSize); err != nil {
		return err
	}
	if int64(binary.BigEndian.Uint32(length[:])) != e.Size || DecodeSlot(slot[:]) != l.slot(e.Slot) {
		return ErrChanged
	}
	if l.seal != nil {
		unseal(l.seal, l.Header.iv(e.Offset), p, at)
	}
	return nil
}

func preadv(f *os.File, bufs [][]byte, off int64) (int, error) {
	for {
		n, err := unix.Preadv(int(f.Fd()), bufs, off)
		if err != unix.EINTR {
			return n, err
		}
	}
}
