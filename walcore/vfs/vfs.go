package vfs

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/walfs/walfs/walcore/platform"
)

// Dir is an open directory. Names are of files directly in it.
type Dir interface {
	// List gives the names, in no order.
	List() ([]fs.DirEntry, error)
	// Create makes a file that must not be there yet, and opens it.
	Create(name string) (File, error)
	// Open opens a file for reading and writing.
	Open(name string) (File, error)
	Rename(from, to string) error
	Remove(name string) error
	// Sync makes it durable which names there are: files that were created,
	// renamed or removed.
	Sync() error
	Close() error
}

// File is an open file. Reads, writes and flushes may be called at the same time.
type File interface {
	io.ReaderAt
	io.WriterAt
	Size() (int64, error)
	Truncate(size int64) error
	// Allocate makes room on disk for the bytes in [off, off+n) without
	// changing them or the file's size. Where the file system cannot, it does
	// nothing.
	Allocate(off, n int64) error
	// Map gives the file's first n bytes, which must be there, as memory: what a
	// program stores in it is written to the file. It is the same memory each
	// time, whatever n is, until the file is closed or Map(0) gives it back. It
	// is nil for a file that cannot be mapped.
	Map(n int64) []byte
	// NextData gives the first range at or after off that may hold anything but
	// zeros; found is false if there is none.
	NextData(off int64) (from, to int64, found bool, err error)
	// Sync makes the bytes and the size durable.
	Sync() error
	Close() error
}

type osDir struct{ f *os.File }

// OpenDir opens a directory of the operating system.
func OpenDir(path string) (Dir, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.IsDir() {
		err = &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &osDir{f: f}, nil
}

func (d *osDir) path(name string) string { return filepath.Join(d.f.Name(), name) }

func (d *osDir) List() ([]fs.DirEntry, error) { return os.ReadDir(d.f.Name()) }

func (d *osDir) Create(name string) (File, error) {
	return d.open(name, os.O_CREATE|os.O_EXCL)
}

func (d *osDir) Open(name string) (File, error) { return d.open(name, 0) }

func (d *osDir) open(name string, flags int) (File, error) {
	f, err := platform.OpenForWriting(d.path(name), flags)
	if err != nil {
		return nil, err
	}
	return &osFile{File: f}, nil
}

func (d *osDir) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }

func (d *osDir) Remove(name string) error { return os.Remove(d.path(name)) }

func (d *osDir) Sync() error { return d.f.Sync() }

func (d *osDir) Close() error { return d.f.Close() }

type osFile struct {
	*os.File
	mapped    []byte
	cannotMap bool
}

func (f *osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

func (f *osFile) Allocate(off, n int64) error { return platform.Allocate(f.File, off, n) }

func (f *osFile) Map(n int64) []byte {
	switch {
	case n == 0 && f.mapped != nil:
		platform.Unmap(f.mapped) // memory that Map gave: it cannot fail
		f.mapped = nil
	case n > 0 && f.mapped == nil && !f.cannotMap:
		var err error
		f.mapped, err = platform.Map(f.File, int(n))
		f.cannotMap = err != nil
	}
	return f.mapped
}

func (f *osFile) Close() error {
	f.Map(0)
	return f.File.Close()
}

func (f *osFile) NextData(off int64) (from, to int64, found bool, err error) {
	return platform.NextData(f.File, off)
}

func (f *osFile) Sync() error { return platform.SyncData(f.File) }
