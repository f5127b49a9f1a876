package dgraph

import (
	"encoding/binary"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// window reads the payloads of entries that follow one another, hundreds with
// two system calls.
//
// The payloads are read first and the slots that name them after it, so that a
// payload whose slot is unchanged is that slot's.
type window struct {
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

// Window makes one that serves the entries of any log file.
func (l *LogFile) Window() walcore.Window { return &window{} }

// Forget makes it read anew what it has read.
func (s *window) Forget() { s.file, s.next = nil, 0 }

// Data gives an entry's payload, if it is small enough and can be read.
func (s *window) Data(e walcore.Entry) ([]byte, bool) {
	l := tableOfEntry(&e)
	if l == nil || l.cipherErr != nil || l.erased != nil || e.Size > maxScan-format.LengthSize {
		return nil, false
	}
	if !s.has(l, &e) {
		if s.load(l, &e); !s.has(l, &e) {
			return nil, false
		}
	}
	return s.take(l, &e)
}

// tableOfEntry gives the log file that an entry is in, or nil.
func tableOfEntry(e *walcore.Entry) *LogFile {
	switch source := e.File.Source.(type) {
	case *LogFile:
		return source
	case *lazyFile:
		if l, err := source.now(); err == nil && l.has(e) {
			return l
		}
	}
	return nil
}

func (s *window) has(l *LogFile, e *walcore.Entry) bool {
	return s.file == l && int64(e.Offset) >= s.at && int64(e.Offset)+format.LengthSize+e.Size <= s.at+int64(len(s.bytes)) &&
		e.Slot >= s.first && e.Slot < s.first+len(s.slots)/format.SlotSize
}

// load reads the window that begins with e. What cannot be read is left out of
// it, and missed by has.
func (s *window) load(l *LogFile, e *walcore.Entry) {
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

// take gives a payload that the window has, if it is e's.
func (s *window) take(l *LogFile, e *walcore.Entry) ([]byte, bool) {
	from := int64(e.Offset) - s.at
	slot := format.Slot{Term: e.Term, Index: e.Index, Offset: e.Offset, Type: raftpb.EntryType(e.Type), Sum: l.Sum(e.Slot)}
	stored := s.bytes[from : from+format.LengthSize+e.Size]
	if format.DecodeSlot(s.slots[(e.Slot-s.first)*format.SlotSize:]) != slot ||
		int64(binary.BigEndian.Uint32(stored)) != e.Size ||
		slot.Sum != 0 && format.Checksum(slot, stored) != slot.Sum {
		return nil, false
	}
	p := stored[format.LengthSize:]
	if l.cipher == nil {
		return p, true
	}
	s.clear = append(s.clear[:0], p...)
	format.Decrypt(l.cipher, l.Header.IV(e.Offset), s.clear, 0)
	return s.clear, true
}
