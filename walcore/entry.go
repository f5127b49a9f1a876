package walcore

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"time"
)

// MaxNumber bounds the indexes and terms that are taken for real. Raft counts
// up from 1, so that a number beyond 2^48 is damage.
const MaxNumber = 1<<48 - 1

// Entry says what and where an entry is. Size is its payload's, in bytes.
type Entry struct {
	Term, Index uint64
	Type        EntryType
	Size        int64
	Offset      uint64 // in File: where it is stored
	Slot        int    // its number in File
	File        *File
}

// File is a log file. It stays what it is as long as its entries do: one whose
// payloads were emptied is another File.
type File struct {
	ID   uint64 // tells the files of a log apart
	Name string
	Attr Attr
	// Identity differs between files of the same name, and between before and
	// after payloads were emptied: slots that are the same are the same entries
	// only in files that are.
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
	// ReadPayload fills p with an entry's payload from position off on,
	// decrypted; the caller has bounded p by the entry's size. It never gives
	// bytes of another entry.
	ReadPayload(e Entry, p []byte, off int64) error
}

// Timer is a Source that knows when entries were appended.
type Timer interface {
	// Time is the zero time where it is not known.
	Time(e *Entry) time.Time
}

// NativeFile is one of the directory's own files, as it was when it was listed.
type NativeFile struct {
	Name string
	Attr Attr
	// Written says that a running node stores to it through a mapping, which
	// need not change its times.
	Written bool
	io.ReaderAt
}

// ReadAt reads the entry's payload, decrypted. It fails with ErrNoKey,
// ErrDataKey or ErrChanged, or with io.EOF behind the end as io.ReaderAt does;
// it never gives bytes of another entry.
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

// AppendData reads the whole payload behind dst. On failure it returns dst as
// it was.
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
