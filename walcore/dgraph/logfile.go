package dgraph

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// LogFile is one NNNNN.wal, opened for reading. Its slot table is read once,
// when it is opened; the payloads' lengths once, when they are first needed.
type LogFile struct {
	walcore.File
	Header format.KeyHeader

	f file
	*slotTable
	runs []run // what the log takes from this file, upwards
	// dropped marks slots that are no entry, in a run or not. Nil: none is.
	dropped  []bool
	problems problemList

	seal    cipher.Block // nil: the payloads are plain
	sealErr error        // why payloads cannot be read at all

	sizesOnce     sync.Once
	sized         atomic.Bool // what follows is there
	sizes         sizeColumn
	whole         bool // every slot has its payload
	sizesProblems problemList
	// As in sizeFaults.
	emptyingEnded, emptiedDuringRead bool

	// before is the same file as an earlier reader saw it, if its sizes are
	// there to begin with.
	before   atomic.Pointer[LogFile]
	verified atomic.Pointer[slotBits] // slots whose checksums were found right; nil: none yet
}

// newLogFile reads the key header of f.
func newLogFile(id uint64, f file, attr walcore.Attr, table *slotTable) (*LogFile, error) {
	l := &LogFile{File: walcore.File{ID: id, Name: format.FileName(id), Attr: attr, Identity: attr.FileID()}, f: f, slotTable: table}
	l.Source = l
	for i, s := range table.leftovers {
		l.problems.slot(l.Name, table.leftoverAt[i], s, walcore.KindLeftover, fmt.Sprintf(
			"stands behind the end of the table (slot %d is empty): left by a rewrite that was cut off, or the slots before it are lost", l.Len()))
	}
	if attr.Size < format.PayloadAt {
		l.problems.add(walcore.Problem{File: l.Name, Slot: -1, Kind: walcore.KindCut, Message: fmt.Sprintf(
			"%d bytes, a log file has at least %d: cut short, or being deleted", attr.Size, format.PayloadAt)})
		return l, nil
	}
	var header [format.KeyHeaderSize]byte
	if err := readFull(f, header[:], format.KeyHeaderAt); err != nil {
		return nil, err
	}
	l.Header = format.DecodeKeyHeader(header[:])
	l.KeyID, l.Encrypted = l.Header.KeyID, l.Header.KeyID != 0
	return l, nil
}

// order finds the file's part of the log by its slots alone. Up to snapshot,
// indexes may be missing.
func (l *LogFile) order(snapshot uint64) {
	chain := dropIsolatedRuns(l.chain, snapshot)
	if l.summary != nil && l.inPayloadArea(l.low) && l.inPayloadArea(l.high) {
		l.runs = chain
		return
	}
	next := 0
	for i := range l.Len() {
		for next < len(chain) && i >= chain[next].slot+chain[next].n {
			next++
		}
		inRun := next < len(chain) && i >= chain[next].slot
		if inRun && l.inPayloadArea(l.Offset(i)) && l.knownType(i) {
			continue
		}
		switch s := l.Slot(i); {
		case s.Index > format.MaxNumber || s.Term > format.MaxNumber:
			l.drop(i)
			l.problems.slot(l.Name, i, s, walcore.KindRange, fmt.Sprintf("term %d, index %d: no log gets there", s.Term, s.Index))
		case !inRun:
			l.drop(i)
			l.problems.slot(l.Name, i, s, walcore.KindOrder, "the index does not fit those around it")
		case !l.inPayloadArea(l.Offset(i)):
			l.drop(i)
			l.problems.slot(l.Name, i, s, walcore.KindOffset, fmt.Sprintf(
				"the data offset %d is not between %d and the file's end at %d", s.Offset, format.PayloadAt, l.Attr.Size))
		default:
			l.problems.slot(l.Name, i, s, walcore.KindType, fmt.Sprintf("type %d is none of Raft's: the entry is not under types/", s.Type))
		}
	}
	l.runs = chain
}

func (l *LogFile) drop(i int) {
	if l.dropped == nil {
		l.dropped = make([]bool, l.Len())
	}
	l.dropped[i] = true
}

func (l *LogFile) isDropped(i int) bool { return l.dropped != nil && l.dropped[i] }

// inPayloadArea reports whether the file has room for a length at an offset.
func (l *LogFile) inPayloadArea(off uint64) bool {
	return off >= format.PayloadAt && off <= uint64(max(l.Attr.Size-format.LengthSize, 0))
}

// ReadPayload fills p with the payload's bytes from position at on, decrypted.
// The caller has bounded p by the entry's size. The slot is compared after the
// payload was read: what it gives is the listed entry's, or an error.
func (l *LogFile) ReadPayload(e *walcore.Entry, p []byte, at int64) error {
	if l.sealErr != nil {
		return l.sealErr
	}
	if err := l.verify(e); err != nil {
		return err
	}
	var length [format.LengthSize]byte
	off := int64(e.Offset)
	if err := readFull(l.f, length[:], off); err != nil {
		return err
	}
	if err := readFull(l.f, p, off+format.LengthSize+at); err != nil {
		return err
	}
	var slot [format.SlotSize]byte
	if err := readFull(l.f, slot[:], int64(e.Slot)*format.SlotSize); err != nil {
		return err
	}
	if int64(binary.BigEndian.Uint32(length[:])) != e.Size || format.DecodeSlot(slot[:]) != l.Slot(e.Slot) {
		return walcore.ErrChanged
	}
	if l.seal != nil {
		format.Decrypt(l.seal, l.Header.IV(e.Offset), p, at)
	}
	return nil
}
