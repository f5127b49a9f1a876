package walcore

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// The usual causes of failure. Every error of a reader or a writer wraps one of
// them, or an error of the operating system, or says what was wrong with an
// argument.
var (
	// ErrNotRaftDir: the directory has neither wal.meta nor a log file.
	// Usually its parent was named instead of w/ or zw/.
	ErrNotRaftDir = errors.New("not a Raft directory")
	// ErrDamaged: the bytes cannot be what a writer meant: a disk fault, a
	// crash without a sync, a copy cut short.
	ErrDamaged = errors.New("damaged")
	// ErrChanged: the bytes are no longer those that were listed. Usually a
	// running node has rewritten, compacted or deleted them.
	ErrChanged = errors.New("changed since it was listed")
	// ErrNoKey: the payload is encrypted and no key was given.
	ErrNoKey = errors.New("encrypted, and no key was given")
	// ErrKey: the key is of a wrong length, or is not the one the
	// directory's KEYREGISTRY is encrypted with.
	ErrKey = errors.New("wrong key")
	// ErrDataKey: the key registry does not hold the data key that a file
	// names, or its key id has been erased.
	ErrDataKey = errors.New("data key missing")
	// ErrNoEntry: the index is outside the log. errors.Is finds fs.ErrNotExist
	// in it, too.
	ErrNoEntry error = noEntry{}
	// ErrInUse: somebody else writes to the directory: another DiskStorage, or
	// a running Dgraph.
	ErrInUse = errors.New("in use")
	// ErrClosed: the storage was closed.
	ErrClosed = errors.New("storage is closed")
	// ErrRefused: with what was to be stored, the log would be none, or Raft could
	// not go on with it: an index that leaves a gap, a term that goes down, a commit
	// index beyond the log's end.
	ErrRefused = errors.New("refused")
)

type noEntry struct{}

func (noEntry) Error() string        { return "no such entry" }
func (noEntry) Is(target error) bool { return target == fs.ErrNotExist }

// Error says where in a directory something is wrong. Slot is -1 where the error is
// not about a slot; Offset and Index are 0 where it is not about a place in the
// file or an entry.
type Error struct {
	File   string
	Slot   int
	Offset uint64
	Index  uint64
	Err    error
}

// FileError is an error with a file that is not about one of its slots.
func FileError(file string, err error) *Error {
	return SlotError(file, noSlot, err)
}

// SlotError is an error with one slot of a log file.
func SlotError(file string, slot int, err error) *Error {
	return &Error{File: file, Slot: slot, Err: err}
}

// At returns the error with its place in the file.
func (e *Error) At(offset uint64) *Error {
	at := *e
	at.Offset = offset
	return &at
}

// OfEntry returns the error with the index of its entry.
func (e *Error) OfEntry(index uint64) *Error {
	of := *e
	of.Index = index
	return &of
}

func (e *Error) Error() string {
	return place(e.File, e.Slot, e.Offset, e.Offset > 0, e.Index) + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// place says where something is. hasOffset tells an offset of 0, which a damaged
// slot can hold, from none.
func place(file string, slot int, offset uint64, hasOffset bool, index uint64) string {
	var b strings.Builder
	b.WriteString(file)
	if slot >= 0 {
		fmt.Fprintf(&b, " slot %d", slot)
	}
	if hasOffset {
		fmt.Fprintf(&b, " offset %d", offset)
	}
	if index > 0 {
		fmt.Fprintf(&b, " index %d", index)
	}
	return b.String()
}
