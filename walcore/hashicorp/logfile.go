package hashicorp

import (
	"fmt"
	"hash/crc32"
	"iter"
	"sync"
	"time"

	"github.com/walfs/walfs/walcore"
)

// logFile is raft.db or a segment, with a slot in memory for each entry. It does not change. A
// value is read together with its checksum: what is given is the listed entry's, wherever the
// value is by now.
type logFile struct {
	walcore.File
	table
	f    *openFile
	base uint64 // an entry's number in the file is its index without base
	// moved finds a value that is not where it was; nil: values stay.
	moved func(index uint64, s *slot) ([]byte, error)
}

// damage is entries that cannot be read.
type damage struct {
	first, last uint64
	walcore.Problem
	err error
	run bool // it has grown: the problem speaks of the first entry alone
}

func (l *logFile) entry(index, term uint64, i int) walcore.Entry {
	s := &l.slots[i]
	return walcore.Entry{Term: term, Index: index, Type: walcore.LogCommand + walcore.EntryType(s.typ), Size: int64(s.size),
		Offset: uint64(s.at), Slot: int(index - l.base), File: &l.File}
}

// entries gives those of a part of a span.
func (l *logFile) entries(s span, yield func(walcore.Entry) bool) bool {
	for k := range s.n {
		if !yield(l.entry(s.index+uint64(k), s.term, s.slot+k)) {
			return false
		}
	}
	return true
}

const (
	smallValue = 1 << 20   // a value that is read at once
	chunkSize  = 256 << 10 // of a larger one
)

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// ReadPayload fills p with a part of an entry's payload.
func (l *logFile) ReadPayload(e walcore.Entry, p []byte, off int64) error {
	i, ok := l.find(e.Index)
	if !ok {
		return walcore.ErrNoEntry
	}
	s := &l.slots[i]
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	err := l.readStored(s, buf, p, off)
	if err == nil || l.moved == nil {
		return l.seen(err)
	}
	value, err := l.moved(e.Index, s)
	if err != nil {
		return l.seen(err)
	}
	copy(p, value[int64(s.dataAt)+off:])
	return nil
}

// seen notes that a value could not be read as it was listed.
func (l *logFile) seen(err error) error {
	if err != nil && err != errRemoved {
		l.f.stale.Store(true)
	}
	return err
}

// isOf reports whether a value is the slot's.
func (s *slot) isOf(value []byte) bool {
	return len(value) == int(s.value) && crc32.Checksum(value, castagnoli) == s.sum
}

// readStored reads a value where it was listed, compares its checksum, and fills p.
func (l *logFile) readStored(s *slot, buf *[]byte, p []byte, off int64) error {
	from := int64(s.dataAt) + off // of p in the value
	sum := uint32(0)
	for at := int64(0); at < int64(s.value); {
		n := int64(s.value) - at
		if n > smallValue {
			n = chunkSize
		}
		b := resized(buf, int(n))
		if err := readFull(l.f, b, s.at+at); err != nil {
			return err
		}
		sum = crc32.Update(sum, castagnoli, b)
		if begin, end := max(from, at), min(from+int64(len(p)), at+n); begin < end {
			copy(p[begin-from:end-from], b[begin-at:])
		}
		at += n
	}
	if sum != s.sum {
		return fmt.Errorf("other bytes are there now: %w", walcore.ErrChanged)
	}
	return nil
}

// maxBeside is how large a value may be without its payload for its extensions to be read.
const maxBeside = 1 << 20

// Extensions gives what a value has beside its payload for the application's library.
func (l *logFile) Extensions(e walcore.Entry) ([]byte, error) {
	i, ok := l.find(e.Index)
	if !ok {
		return nil, walcore.ErrNoEntry
	}
	s := &l.slots[i]
	switch {
	case !s.extended:
		return nil, nil
	case s.value-s.size > maxBeside:
		return nil, fmt.Errorf("%d bytes beside the payload are not read", s.value-s.size)
	}
	value := make([]byte, s.value)
	if err := l.ReadPayload(e, value, -int64(s.dataAt)); err != nil {
		return nil, err
	}
	parse := parseCodec1
	if l.Name == boltName {
		parse = parseMsgpack
	}
	r, err := parse(value)
	return r.extensions, err
}

// Time is when the leader appended the entry, by its clock.
func (l *logFile) Time(e walcore.Entry) time.Time {
	if i, ok := l.find(e.Index); ok && l.slots[i].appended != 0 {
		return time.Unix(0, l.slots[i].appended)
	}
	return time.Time{}
}

// Entries goes through the entries of the file that the log has.
func (l *logFile) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		for k := l.spanOf(from); k < len(l.spans); k++ {
			if !l.entries(l.spans[k].from(from), yield) {
				return
			}
		}
	}
}
