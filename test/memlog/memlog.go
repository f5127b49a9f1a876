// Package memlog is a Raft log in memory, for tests of code that works on any log.
// It is unlike Dgraph's: it has no commit index, it knows when entries were appended
// and which a later leader replaced, its log files have other names, and it has an
// entry type that Raft does not have.
package memlog

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/walfs/walfs/walcore"
)

// Barrier is the entry type that Raft does not have.
const Barrier walcore.EntryType = 3

var system = walcore.System{Name: "memory",
	Types: append(slices.Clone(walcore.RaftTypes), walcore.TypeName{Type: Barrier, Name: "log_barrier", Symbol: "LogBarrier"})}

// Entry is an entry to make a log of.
type Entry struct {
	Term, Index uint64
	Type        walcore.EntryType
	Data        string
	Appended    time.Time
	File        string
	// Replaced says that a later leader has put another entry in its place.
	Replaced bool
	// Remnant says that only its payload is left.
	Remnant bool
	// Damaged says that the entry cannot be read.
	Damaged bool
}

// Log is a log in memory. It does not change.
type Log struct {
	meta     walcore.Meta
	files    []*walcore.File
	entries  []walcore.Entry // by index
	replaced []walcore.Entry // by index and term
	remnants []walcore.Entry
	terms    []walcore.TermSpan
	damaged  []uint64
}

var (
	_ walcore.Log      = (*Log)(nil)
	_ walcore.Filer    = (*Log)(nil)
	_ walcore.Remainer = (*Log)(nil)
	_ walcore.Timer    = (*file)(nil)
)

// file is the Source of a log file.
type file struct {
	walcore.File
	log   *Log
	bytes []byte
	times map[int]time.Time // by slot
}

// New makes a log of entries. They are in the order of the files, and in a file in the
// order of its slots.
func New(path string, entries []Entry) *Log {
	l := &Log{meta: walcore.Meta{
		Path: path, Dir: walcore.Attr{Mode: 0o700, Mtime: time.Unix(1e9, 0)}, Attr: walcore.Attr{Mode: 0o600, Mtime: time.Unix(1e9, 0)},
		System: &system, Snapshot: &walcore.Snapshot{}}}
	var in *file
	for _, e := range entries {
		if in == nil || in.Name != e.File {
			in = &file{log: l, times: map[int]time.Time{}}
			in.File = walcore.File{ID: uint64(len(l.files)), Name: e.File, Identity: uint64(1000 + len(l.files)), Source: in,
				Attr: walcore.Attr{Mode: 0o600, Born: time.Unix(1e9, 0), Mtime: time.Unix(1e9, 0), Inode: uint64(len(l.files) + 1)}}
			l.files = append(l.files, &in.File)
		}
		l.add(in, e)
	}
	for _, f := range l.files {
		f.Attr.Size = int64(len(f.Source.(*file).bytes))
		f.Attr.Blocks = (f.Attr.Size + 511) / 512
	}
	return l
}

func (l *Log) add(in *file, e Entry) {
	slot := len(in.times)
	in.times[slot] = e.Appended
	we := walcore.Entry{Term: e.Term, Index: e.Index, Type: e.Type, Size: int64(len(e.Data)),
		Offset: uint64(len(in.bytes)), Slot: slot, File: &in.File}
	in.bytes = append(in.bytes, e.Data...)
	if e.Remnant {
		we.Term, we.Index, we.Slot = 0, 0, -1
		l.remnants = append(l.remnants, we)
		return
	}
	if e.Replaced {
		l.replaced = append(l.replaced, we)
		return
	}
	if k := len(l.terms) - 1; k >= 0 && l.terms[k].Term == e.Term {
		l.terms[k].Last = e.Index
		l.terms[k].Count++
	} else {
		l.terms = append(l.terms, walcore.TermSpan{Term: e.Term, First: e.Index, Last: e.Index, Count: 1})
	}
	if e.Damaged {
		l.damaged = append(l.damaged, e.Index)
		return
	}
	l.entries = append(l.entries, we)
}

// Meta has neither a hard state nor ids: this system does not keep them.
func (l *Log) Meta() *walcore.Meta { return &l.meta }

// FirstIndex is the first index of the first term.
func (l *Log) FirstIndex() (uint64, bool) { return l.terms[0].First, true }

// LastIndex is the last index of the last term.
func (l *Log) LastIndex() (uint64, bool) { return l.terms[len(l.terms)-1].Last, true }

// Terms are the terms that have entries.
func (l *Log) Terms() []walcore.TermSpan { return l.terms }

// Entry finds an entry.
func (l *Log) Entry(index uint64) (walcore.Entry, error) {
	for e := range l.Entries(index) {
		if e.Index == index {
			return e, nil
		}
		break
	}
	if slices.Contains(l.damaged, index) {
		return walcore.Entry{}, fmt.Errorf("entry %d: %w", index, walcore.ErrDamaged)
	}
	return walcore.Entry{}, fmt.Errorf("entry %d: %w", index, walcore.ErrNoEntry)
}

// Entries goes through the entries that are not damaged.
func (l *Log) Entries(from uint64) iter.Seq[walcore.Entry] { return since(l.entries, from) }

// Replaced goes through the entries that a later leader has replaced.
func (l *Log) Replaced(from uint64) iter.Seq[walcore.Entry] { return since(l.replaced, from) }

// Remains gives the payloads of which nothing else is left.
func (l *Log) Remains(walcore.Recognizer) (found walcore.Remains, err error) {
	for _, e := range l.remnants {
		found.Found = append(found.Found, walcore.Remnant{Entry: e, Sum: uint32(e.Offset)})
	}
	return found, nil
}

func since(list []walcore.Entry, from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		for _, e := range list {
			if e.Index >= from && !yield(e) {
				return
			}
		}
	}
}

// Gap gives an error if an entry from first to last is damaged.
func (l *Log) Gap(first, last uint64) error {
	for _, index := range l.damaged {
		if first <= index && index <= last {
			return fmt.Errorf("entry %d: %w", index, walcore.ErrDamaged)
		}
	}
	return nil
}

// Problems has one for each damaged entry.
func (l *Log) Problems() []walcore.Problem {
	var problems []walcore.Problem
	for _, index := range l.damaged {
		problems = append(problems, walcore.FileProblem(l.files[0].Name, walcore.KindLength, "is damaged").OfEntry(index))
	}
	return problems
}

// Close does nothing.
func (l *Log) Close() error { return nil }

// Files are the log files.
func (l *Log) Files() []*walcore.File { return l.files }

// Native are the log files' bytes.
func (l *Log) Native() []walcore.NativeFile {
	var list []walcore.NativeFile
	for _, f := range l.files {
		list = append(list, walcore.NativeFile{Name: f.Name, Attr: f.Attr, ReaderAt: strings.NewReader(string(f.Source.(*file).bytes))})
	}
	return list
}

// Unreadable lists no file.
func (l *Log) Unreadable() []string { return nil }

// Unindexed names no file.
func (l *Log) Unindexed() (string, bool) { return "", false }

// Entries goes through the entries in the file that are not damaged.
func (f *file) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		for e := range f.log.Entries(from) {
			if e.File == &f.File && !yield(e) {
				return
			}
		}
	}
}

// ReadPayload copies a part of a payload.
func (f *file) ReadPayload(e walcore.Entry, p []byte, off int64) error {
	_, err := io.ReadFull(io.NewSectionReader(bytes.NewReader(f.bytes), int64(e.Offset)+off, e.Size-off), p)
	return err
}

// Time is when an entry was appended.
func (f *file) Time(e walcore.Entry) time.Time { return f.times[e.Slot] }

// Sample is a log with all that the package comment names. No two of its entries are
// alike.
func Sample(path string) *Log {
	at := func(i int) time.Time { return time.Date(2026, 3, 1, 12, 0, i, 123456789, time.UTC) }
	segment := func(n int) string { return fmt.Sprintf("%020d-%016x.seg", n, 0xabc+n) }
	return New(path, []Entry{
		{Term: 1, Index: 7, Data: "the first", Appended: at(0), File: segment(1)},
		{Term: 1, Index: 8, Type: Barrier, Appended: at(1), File: segment(1)},
		{Term: 1, Index: 9, Data: "lost to term 2", Appended: at(2), File: segment(1), Replaced: true},
		{Term: 2, Index: 9, Data: "term 2's", Appended: at(3), File: segment(1)},
		{Term: 2, Index: 10, Data: "unreadable", Appended: at(4), File: segment(1), Damaged: true},
		{Term: 2, Index: 11, Type: walcore.EntryConfChange, Data: "\x18\x02", Appended: at(5), File: segment(2)},
		{Term: 5, Index: 12, Data: "no time", File: segment(2)},
	})
}
