package dgraph

import (
	"bytes"
	"hash/crc32"
	"iter"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// replacedSource reads what was found in a log file and is not the log's. A writer may
// write over it at any time, and does that from where the log ends in the file: what
// stands there is compared after each read, before any slot tells of it.
type replacedSource struct {
	l     *LogFile
	file  walcore.File // the log file, with this source
	end   int64        // where the log ends in it
	guard []byte       // what stood there
	sums  map[uint64]uint32
}

// guardSize is how much is compared: a length, a proposal key, and a little of the
// proposal.
const guardSize = 16

func newReplacedSource(l *LogFile) *replacedSource {
	s := &replacedSource{l: l, file: *l.File, sums: map[uint64]uint32{}}
	s.file.Source = s
	s.end = l.logEnd().at
	s.guard = make([]byte, max(min(guardSize, l.Attr.Size-s.end), 0))
	if readFull(l.f, s.guard, s.end) != nil {
		s.guard = nil // nothing can be read, and is
	}
	return s
}

// Entries gives none: what was found is not the log's.
func (s *replacedSource) Entries(uint64) iter.Seq[walcore.Entry] {
	return func(func(walcore.Entry) bool) {}
}

// ReadPayload fills p with what was found, decrypted, from position at on. It fails with
// ErrChanged where that may be overwritten.
func (s *replacedSource) ReadPayload(e walcore.Entry, p []byte, at int64) error {
	l := s.l
	if l.cipherErr != nil {
		return l.cipherErr
	}
	buf := payloadBuffers.Get().(*payloadBuffer)
	defer payloadBuffers.Put(buf)
	length, err := l.readStored(int64(e.Offset), p, at, buf.stored[:])
	switch {
	case err != nil:
		return err
	case int64(length) != e.Size, !s.slotThere(&e, buf.slot[:]), !s.unchangedAt(int64(e.Offset)):
		return walcore.ErrChanged
	}
	if sum, ok := s.sums[e.Offset]; ok && int64(len(p)) == e.Size && crc32.Checksum(p, castagnoli) != sum {
		return walcore.ErrChanged
	}
	if l.cipher != nil {
		format.Decrypt(l.cipher, l.Header.IV(e.Offset), p, at)
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// slotThere reports whether the slot of what was found is the same, if it has one.
func (s *replacedSource) slotThere(e *walcore.Entry, buf []byte) bool {
	if e.Slot < 0 {
		return true
	}
	slot, ok := s.l.leftover(e.Slot)
	if !ok && e.Slot < s.l.Len() {
		slot = s.l.Slot(e.Slot)
	}
	return readFull(s.l.f, buf, int64(e.Slot)*format.SlotSize) == nil && format.DecodeSlot(buf) == slot
}

// unchangedAt reports whether no writer can have written over what stands at an offset:
// behind the log's end, if none has begun to append; before it, if the slots around it
// are the same.
func (s *replacedSource) unchangedAt(offset int64) bool {
	l := s.l
	if offset < s.end {
		next := sort.Search(l.Len(), func(i int) bool { return int64(l.Offset(i)) > offset })
		same, err := l.firstDifference(l.f, max(next-1, 0), min(next+1, l.Len()))
		return err == nil && same == min(next+1, l.Len())
	}
	now := make([]byte, len(s.guard))
	return s.guard != nil && readFull(l.f, now, s.end) == nil && bytes.Equal(now, s.guard) && l.endsTheSameIn(l.f)
}
