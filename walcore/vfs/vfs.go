// Package vfs is the little of a file system that a log is written through:
// one directory and the files in it. Tests put another one underneath, to see
// every write and flush and to make them fail.
package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
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
	// Sync makes names durable: created, renamed and removed ones.
	Sync() error
	Close() error
}

// File is an open file. Its calls may be made at the same time.
type File interface {
	io.ReaderAt
	io.WriterAt
	Size() (int64, error)
	Truncate(size int64) error
	// Allocate makes room on disk for the bytes in [off, off+n) without
	// changing them or the file's size. Where the file system cannot, it does
	// nothing.
	Allocate(off, n int64) error
	// Map gives the file's first n bytes, which must be there, as memory that
	// can be read and stored to: what is stored is written. It is the same
	// memory each time, until the file is closed or Map(0) gives it back. Nil
	// is for files that cannot be mapped.
	Map(n int64) []byte
	// NextData gives the first stretch at or behind off that may hold
	// anything but zeros; found is false if there is none.
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
		err = &fs.PathError{Op: "open", Path: path, Err: unix.ENOTDIR}
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
	return d.open(name, unix.O_CREAT|unix.O_EXCL)
}

func (d *osDir) Open(name string) (File, error) { return d.open(name, 0) }

func (d *osDir) open(name string, flags int) (File, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR|unix.O_NOFOLLOW|flags, 0o600)
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

// retry repeats a system call that a signal has interrupted.
func (f *osFile) retry(op string, call func(fd int) error) error {
	for {
		err := call(int(f.Fd()))
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return fmt.Errorf("%s %s: %w", op, f.Name(), err)
		}
	}
}

func (f *osFile) Allocate(off, n int64) error {
	err := f.retry("allocate", func(fd int) error {
		return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, off, n)
	})
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}

func (f *osFile) Map(n int64) []byte {
	switch {
	case n == 0 && f.mapped != nil:
		unix.Munmap(f.mapped)
		f.mapped = nil
	case n > 0 && f.mapped == nil && !f.cannotMap:
		var err error
		f.mapped, err = unix.Mmap(int(f.Fd()), 0, int(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		f.cannotMap = err != nil
	}
	return f.mapped
}

func (f *osFile) Close() error {
	f.Map(0)
	return f.File.Close()
}

func (f *osFile) NextData(off int64) (from, to int64, found bool, err error) {
	err = f.retry("seek in", func(fd int) error {
		if from, err = unix.Seek(fd, off, unix.SEEK_DATA); err != nil {
			return err
		}
		to, err = unix.Seek(fd, from, unix.SEEK_HOLE)
		return err
	})
	if errors.Is(err, unix.ENXIO) {
		return 0, 0, false, nil
	}
	return from, to, err == nil, err
}

func (f *osFile) Sync() error {
	return f.retry("flush", unix.Fdatasync)
}
