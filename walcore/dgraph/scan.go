package dgraph

import (
	"encoding/binary"
	"sort"

	"github.com/walfs/walfs/walcore/format"
)

// Scanner reads the payloads of entries that follow one another, hundreds with
// two system calls. The zero value is ready; one goroutine may use it.
//
// It keeps Entry.ReadAt's promise: a window of payloads is read first and the
// slots that name them after it, so that a payload whose slot is unchanged is
// that slot's.
type Scanner struct {
	file  *LogFile
	at    int64  // of payloads in file
	bytes []byte // payloads with their lengths, as stored
	first int    // the slot that slots begins with
	slots []byte // as they were after bytes were read
	clear []byte // the last payload, decrypted
	next  int    // how much to read next
}

// How much is read at once: little at first, and twice as much where one window
// follows another. A payload larger than that is read by itself.
const (
	minScan = 16 << 10
	maxScan = 256 << 10
)

// Reset makes s read anew what it has read.
func (s *Scanner) Reset() { s.file, s.next = nil, 0 }

// Data gives an entry's payload, decrypted. It is good until the next call, and
// fails as Entry.ReadAt does.
func (s *Scanner) Data(e *Entry) ([]byte, error) {
	if e.Size == 0 {
		return nil, nil
	}
	if e.File.sealErr == nil && e.Size <= maxScan-format.LengthSize {
		if !s.has(e) {
			s.load(e)
		}
		if p, ok := s.take(e); ok {
			return p, nil
		}
	}
	// By itself it is read or fails as it should.
	var err error
	s.clear, err = e.AppendData(s.clear[:0])
	return s.clear, err
}

func (s *Scanner) has(e *Entry) bool {
	return s.file == e.File && int64(e.Offset) >= s.at && int64(e.Offset)+format.LengthSize+e.Size <= s.at+int64(len(s.bytes)) &&
		e.Slot >= s.first && e.Slot < s.first+len(s.slots)/format.SlotSize
}

// load reads the window that begins with e. What cannot be read is left out of
// it, and missed by has.
func (s *Scanner) load(e *Entry) {
	l := e.File
	// The last payload in a window is often cut, and begins the next.
	if s.file == l && e.Slot > s.first && e.Slot <= s.first+len(s.slots)/format.SlotSize {
		s.next = min(2*s.next, maxScan)
	} else {
		s.next = minScan
	}
	s.file, s.at, s.first = l, int64(e.Offset), e.Slot
	s.bytes = resized(s.bytes, int(min(max(int64(s.next), format.LengthSize+e.Size), l.Attr.Size-s.at)))
	// A damaged slot may lie anywhere; the search is for sound ones, in order.
	end := e.Slot + sort.Search(l.Len()-e.Slot, func(i int) bool {
		return int64(l.Offset(e.Slot+i)) >= s.at+int64(len(s.bytes))
	})
	end = max(end, e.Slot+1)
	s.slots = resized(s.slots, (end-e.Slot)*format.SlotSize)
	if readFull(l.f, s.bytes, s.at) != nil || readFull(l.f, s.slots, int64(s.first)*format.SlotSize) != nil {
		s.file = nil
	}
}

func resized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// take gives e's payload from the window, if it is there and is e's.
func (s *Scanner) take(e *Entry) ([]byte, bool) {
	if !s.has(e) {
		return nil, false
	}
	from := int64(e.Offset) - s.at
	slot := e.File.Slot(e.Slot)
	stored := s.bytes[from : from+format.LengthSize+e.Size]
	if format.DecodeSlot(s.slots[(e.Slot-s.first)*format.SlotSize:]) != slot ||
		int64(binary.BigEndian.Uint32(stored)) != e.Size ||
		slot.Sum != 0 && format.Checksum(slot, stored) != slot.Sum {
		return nil, false
	}
	p := stored[format.LengthSize:]
	if e.File.seal == nil {
		return p, true
	}
	s.clear = append(s.clear[:0], p...)
	format.Decrypt(e.File.seal, e.File.Header.IV(e.Offset), s.clear, 0)
	return s.clear, true
}
