package walcore

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"time"
)

// MaxNumber is the largest index or term that counts as valid. Raft counts up from
// 1 and cannot have reached 2^44, which takes 18 years at 30,000 a second: a larger number
// is damage.
const MaxNumber = 1<<44 - 1

// Entry describes an entry and says where it is stored. Size is the payload's, in
// bytes.
type Entry struct {
	Term, Index uint64
	Type        EntryType
	Size        int64
	Offset      uint64 // in File: where it is stored
	Slot        int    // its number in File
	File        *File
}

// File is a log file. As long as its entries stay the same, it is the same File.
// After its payloads were emptied it is another File.
type File struct {
	ID   uint64 // tells the files of a log apart
	Name string
	Attr Attr
	// Identity tells a file from another one that later has its name, and from
	// itself after payloads were emptied. The same slot is the same entry only in
	// files with the same Identity.
	Identity  uint64
	Encrypted bool
	KeyID     uint64 // of the key that it is encrypted with
	Source    Source
}

// Source reads a log file.
type Source interface {
	// Entries goes through the file's whole entries with an index of at least
	// from, upwards.
	Entries(from uint64) iter.Seq[Entry]
	// ReadPayload fills p with an entry's decrypted payload, from byte off on. The
	// caller makes sure that off and p lie within the entry's size. It never
	// gives bytes of another entry.
	ReadPayload(e Entry, p []byte, off int64) error
}

// Counted is a Source that may know what its entries add up to.
type Counted interface {
	Source
	// Count fails to be ok where one has to go through the entries.
	Count() (c FileCount, ok bool)
}

// FileCount is what the entries of a log file add up to. Each index of its terms has one.
type FileCount struct {
	Terms []TermSpan
	Types map[EntryType]uint64 // how many entries have a type; nil: they were not looked at
	Bytes uint64               // of their payloads, if they were looked at
}

// Timer is a Source that knows when entries were appended.
type Timer interface {
	// Time is the zero time where it is not known.
	Time(e Entry) time.Time
}

// Time is when the entry was appended, if its system stores that. Otherwise stored is
// false, and at is when its log file was made.
func (e *Entry) Time() (at time.Time, stored bool) {
	if timer, ok := e.File.Source.(Timer); ok {
		if at := timer.Time(*e); !at.IsZero() {
			return at, true
		}
	}
	return e.File.Attr.Made(), false
}

// NativeFile is one of the directory's own files, as it was when it was listed.
type NativeFile struct {
	Name string
	Attr Attr
	// Written says that a running node writes to it through mapped memory, so
	// that it can change while its times stay the same.
	Written bool
	io.ReaderAt
}

// Extender is a Source whose entries can have more than a payload.
type Extender interface {
	// Extensions gives what an entry has beside its payload, or nil.
	Extensions(e Entry) ([]byte, error)
}

// Extensions reads what HashiCorp's library lets an application store beside the payload. It is
// nil where there is nothing, as in all other logs. It fails as ReadAt does.
func (e *Entry) Extensions() ([]byte, error) {
	x, ok := e.File.Source.(Extender)
	if !ok {
		return nil, nil
	}
	b, err := x.Extensions(*e)
	if err != nil {
		return nil, &Error{File: e.File.Name, Slot: e.Slot, Offset: e.Offset, Index: e.Index, Err: err}
	}
	return b, nil
}

// ReadAt reads the entry's payload, decrypted. It fails with ErrNoKey,
// ErrDataKey or ErrChanged, or with io.EOF at the payload's end, as io.ReaderAt
// does. It never gives bytes of another entry.
func (e *Entry) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("entry %d: negative offset %d", e.Index, off)
	}
	if off >= e.Size {
		return 0, io.EOF
	}
	short := int64(len(p)) > e.Size-off
	p = p[:min(int64(len(p)), e.Size-off)]
	if err := e.File.Source.ReadPayload(*e, p, off); err != nil {
		return 0, &Error{File: e.File.Name, Slot: e.Slot, Offset: e.Offset, Index: e.Index, Err: err}
	}
	if short {
		return len(p), io.EOF
	}
	return len(p), nil
}

// Data reads the whole payload.
func (e *Entry) Data() ([]byte, error) { return e.AppendData(nil) }

// AppendData appends the whole payload to dst. On failure it returns dst as it was.
func (e *Entry) AppendData(dst []byte) ([]byte, error) {
	if e.Size == 0 {
		return dst, nil
	}
	n := len(dst)
	p := slices.Grow(dst, int(e.Size))[:n+int(e.Size)]
	if _, err := e.ReadAt(p[n:], 0); err != nil {
		return dst, err
	}
	return p, nil
}
