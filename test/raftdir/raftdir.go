//go:build unix

// Package raftdir writes a Raft directory the way Dgraph does while it runs,
// for tests that read one at the same time. Like Dgraph it writes through shared
// memory mappings of 256 MiB files: a payload, then the fields of its slot, one by
// one. It zeroes the slots that a new leader rewrites, and truncates a file before it
// removes it. It shares no code with walfs.
//
// Every payload is derived from its index and term (see Payload), so that a
// reader can tell a wrong byte from a right one.
//
// A Writer panics when the file system gives an error: no test can go on then.
package raftdir

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	slotSize    = 32
	slotsAFile  = 30000
	keyHeaderAt = 1<<20 - 16
	payloadAt   = 1 << 20
	newFileSize = 256 << 20
	maxFileSize = 1 << 30
)

// Options say what sort of directory it is.
type Options struct {
	// Key encrypts the payloads: 16, 24 or 32 bytes, or none.
	Key []byte
	// Slots is how many entries a file takes; 0 is Dgraph's 30,000.
	Slots int
	// KeepKeyID avoids one of Dgraph's faults: when it rewrites an earlier file it
	// zeroes that file's key id, too, and the payloads are lost.
	KeepKeyID bool
	// NewDataKey is after how many files there is a new data key; 0: never.
	NewDataKey int
	// Large makes LargeTerm the first term.
	Large bool
	// Data gives the payloads; nil: Payload.
	Data func(index, term uint64) []byte
	// Blob gives the data of snapshots; nil: Blob.
	Blob func(index, term uint64) []byte
}

// Writer is the node. First and Last are the first and the last entry in its files.
type Writer struct {
	First, Last  uint64
	Term, Commit uint64
	Wrote        uint64 // entries, ever
	Grown, Full  int    // how often a file had to grow, and was full by size
	// Begun is where each term but the first began: all entries from there on were
	// dropped then.
	Begun map[uint64]uint64

	dir   string
	o     Options
	files []*file
	meta  *mapping
	keys  *registry
	added int // files, ever
}

// file is a log file that is still there.
type file struct {
	*mapping
	id         int
	n          int // slots in use
	end        int // of the payloads
	encryption *encryption
}

func (f *file) first() uint64 { return binary.BigEndian.Uint64(f.data[8:]) }

// Create makes an empty directory and begins with term 1.
func Create(dir string, o Options) *Writer {
	if o.Slots == 0 {
		o.Slots = slotsAFile
	}
	must(os.MkdirAll(dir, 0o700))
	w := &Writer{First: 1, Term: 1, dir: dir, o: o, Begun: map[uint64]uint64{}}
	if o.Large {
		w.Term = LargeTerm
	}
	if len(o.Key) > 0 {
		w.keys = newRegistry(filepath.Join(dir, "KEYREGISTRY"), o.Key)
	}
	w.meta = create(filepath.Join(dir, "wal.meta"), 1<<20)
	binary.BigEndian.PutUint64(w.meta.data[0:], 1)
	binary.BigEndian.PutUint64(w.meta.data[8:], 1)
	w.addFile(1)
	w.hardState()
	return w
}

// Close closes the files. They stay on disk.
func (w *Writer) Close() {
	for _, f := range w.files {
		f.close()
	}
	w.meta.close()
	w.files = nil
}

// Dir is the directory's path.
func (w *Writer) Dir() string { return w.dir }

// Files are the log files' names.
func (w *Writer) Files() (names []string) {
	for _, f := range w.files {
		names = append(names, filepath.Base(f.name))
	}
	return names
}

func (w *Writer) addFile(id int) {
	f := &file{mapping: create(filepath.Join(w.dir, fmt.Sprintf("%05d.wal", id)), newFileSize), id: id, end: payloadAt}
	if w.keys != nil {
		if w.o.NewDataKey > 0 && w.added%w.o.NewDataKey == 0 {
			w.keys.add()
		}
		f.encryption = w.keys.encryption()
		copy(f.data[keyHeaderAt:], f.encryption.header[:])
	}
	w.added++
	w.files = append(w.files, f)
}

func (w *Writer) current() *file { return w.files[len(w.files)-1] }

// Append adds n entries of the current term.
func (w *Writer) Append(n int) {
	for range n {
		index := w.Last + 1
		w.add(TypeOf(index), w.payload(index))
	}
}

func (w *Writer) payload(index uint64) []byte {
	if w.o.Data != nil {
		return w.o.Data(index, w.Term)
	}
	return Payload(index, w.Term)
}

func (w *Writer) add(typ uint32, data []byte) {
	f := w.fileFor(len(data))
	w.store(f, data)
	s := f.data[f.n*slotSize:]
	binary.BigEndian.PutUint64(s, w.Term)
	binary.BigEndian.PutUint64(s[8:], w.Last+1)
	binary.BigEndian.PutUint64(s[16:], uint64(f.end))
	binary.BigEndian.PutUint64(s[24:], uint64(typ))
	w.took(f, len(data))
}

func (w *Writer) took(f *file, size int) {
	f.n++
	f.end += 4 + size
	w.Last++
	w.Wrote++
}

// fileFor gives the file that a payload is to go into. It makes a new file if the
// current one is full, which it cuts to its payloads, and lets a small one grow.
func (w *Writer) fileFor(size int) *file {
	f := w.current()
	full := f.end+4+size > maxFileSize
	if full {
		w.Full++
	}
	if full || f.n >= w.o.Slots {
		f.resize(f.end)
		w.addFile(f.id + 1)
		f = w.current()
	}
	if need := f.end + 4 + size; need > len(f.data) {
		w.Grown++
		f.resize(max(len(f.data)+min(len(f.data), maxFileSize), need))
	}
	return f
}

// store writes length and payload.
func (w *Writer) store(f *file, data []byte) {
	binary.BigEndian.PutUint32(f.data[f.end:], uint32(len(data)))
	if f.encryption == nil {
		copy(f.data[f.end+4:], data)
		return
	}
	f.encryption.write(f.data[f.end+4:f.end+4+len(data)], data, uint64(f.end))
}

// HalfSlot writes an entry's payload, and of its slot only the term and the index,
// like a writer that is stopped while it writes the slot. The function that it
// returns writes the rest.
func (w *Writer) HalfSlot() (finish func()) {
	index := w.Last + 1
	data := w.payload(index)
	f := w.fileFor(len(data))
	w.store(f, data)
	s := f.data[f.n*slotSize:]
	binary.BigEndian.PutUint64(s, w.Term)
	binary.BigEndian.PutUint64(s[8:], index)
	return func() {
		binary.BigEndian.PutUint64(s[16:], uint64(f.end))
		binary.BigEndian.PutUint64(s[24:], uint64(TypeOf(index)))
		w.took(f, len(data))
	}
}

// Rewind drops the entries after index and begins a new term, as the first
// append of a new leader does. The node has stored the term when it voted.
func (w *Writer) Rewind(index uint64) {
	w.Term++
	w.hardState()
	w.Begun[w.Term] = min(index, w.Last) + 1
	if index >= w.Last {
		return
	}
	at := len(w.files) - 1
	for at > 0 && (w.files[at].n == 0 || w.files[at].first() > index+1) {
		at--
	}
	f := w.files[at]
	keep := int(index + 1 - f.first())
	if at == len(w.files)-1 {
		f.end = f.offset(keep)
		clear(f.data[keep*slotSize : f.n*slotSize])
	} else {
		for len(w.files) > at+1 {
			w.remove(at + 1) // Dgraph removes the oldest first
		}
		f.end = f.offset(keep)
		to := payloadAt
		if w.o.KeepKeyID {
			to = keyHeaderAt
		}
		clear(f.data[keep*slotSize : to])
	}
	f.n = keep
	w.Last = index
}

// Empty sets the length of the normal entries below index to 0, as dgraph debug
// --truncate does.
func (w *Writer) Empty(index uint64) {
	for _, f := range w.files {
		for i := range f.n {
			if TypeOf(f.first()+uint64(i)) == 0 && f.first()+uint64(i) < index {
				clear(f.data[f.offset(i):][:4])
			}
		}
	}
}

// offset is where slot i's payload begins.
func (f *file) offset(i int) int { return int(binary.BigEndian.Uint64(f.data[i*slotSize+16:])) }

func (w *Writer) remove(i int) {
	f := w.files[i]
	must(syscall.Munmap(f.data))
	must(f.f.Truncate(0))
	must(os.Remove(f.name))
	must(f.f.Close())
	w.files = append(w.files[:i], w.files[i+1:]...)
}

// TermOf is the term of an entry that is in the log.
func (w *Writer) TermOf(index uint64) uint64 {
	for _, f := range w.files {
		if first := f.first(); f.n > 0 && index >= first && index < first+uint64(f.n) {
			return binary.BigEndian.Uint64(f.data[int(index-first)*slotSize:])
		}
	}
	return 0
}

// mapping is a file with a shared mapping, through which it is written.
type mapping struct {
	f    *os.File
	name string
	data []byte
}

func create(name string, size int64) *mapping {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	must(err)
	must(f.Truncate(size))
	m := &mapping{f: f, name: name}
	m.mapAll(int(size))
	return m
}

func (m *mapping) mapAll(size int) {
	var err error
	m.data, err = syscall.Mmap(int(m.f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	must(err)
}

func (m *mapping) resize(size int) {
	must(syscall.Munmap(m.data))
	must(m.f.Truncate(int64(size)))
	m.mapAll(size)
}

func (m *mapping) close() {
	must(syscall.Munmap(m.data))
	must(m.f.Close())
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
