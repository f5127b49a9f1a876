package platform

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// CheckWriting says why a log cannot be written on this operating system; on
// Linux it can.
func CheckWriting() error { return nil }

// OpenForWriting opens a file for reading and writing. flags are os.O_CREATE and
// os.O_EXCL, or none. A symbolic link is not followed.
func OpenForWriting(name string, flags int) (*os.File, error) {
	return os.OpenFile(name, os.O_RDWR|unix.O_NOFOLLOW|flags, 0o600)
}

// LockDir takes a directory's lock, which lasts until Close, or until the process
// ends. It fails with ErrLocked if somebody else has it.
func LockDir(path string) (*Lock, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	err = onFile("lock", dir, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if err == nil {
		return &Lock{dir}, nil
	}
	dir.Close() // it was not written to
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s: %w", path, ErrLocked)
	}
	return nil, err
}

// Close unlocks the directory. To close its file alone would not be enough: a process
// that was just forked has the lock, too, until it runs its own program.
func (l *Lock) Close() error {
	err := onFile("unlock", l.dir, func(fd int) error { return unix.Flock(fd, unix.LOCK_UN) })
	return errors.Join(err, l.dir.Close())
}

// HasWriter reports whether any process has the file open for writing, or mapped so
// that what it stores is written to the file, this process included. Those that only
// read it do not count. It asks for a read lease, which the kernel grants only where
// there is no writer, and gives it back at once: a program that opens the file for
// writing meanwhile waits that long. Where there are no leases (a file of another user,
// a network file system), the answer is no; so it is for a mapping on an overlay whose
// file was closed.
//
// A process that this one has just forked has all files of this one open until it runs
// its own program. So after a yes it can make sense to ask again.
func HasWriter(name string) (bool, error) {
	// With write permission the kernel would count this very descriptor.
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return false, err
	}
	defer f.Close() // it was not written to
	lease := func(kind int) error {
		return onFile("lease", f, func(fd int) error {
			_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, kind)
			return err
		})
	}
	if err := lease(unix.F_RDLCK); err != nil {
		return errors.Is(err, unix.EAGAIN), nil
	}
	return false, lease(unix.F_UNLCK)
}

// Allocate makes room on disk for the bytes in [off, off+n) of a file, without
// changing them or the file's size. Where the file system cannot, it does nothing.
func Allocate(f *os.File, off, n int64) error {
	err := onFile("allocate", f, func(fd int) error { return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, off, n) })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}

// Map gives a file's first n bytes, which must be there, as memory: what a program
// stores in it is written to the file. Unmap gives the memory back.
func Map(f *os.File, n int) (memory []byte, err error) {
	err = onFile("map", f, func(fd int) error {
		memory, err = unix.Mmap(fd, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		return err
	})
	return memory, err
}

// Unmap gives back what Map gave.
func Unmap(memory []byte) error { return os.NewSyscallError("munmap", unix.Munmap(memory)) }

// NextData gives the first range of a file at or after off that may hold anything but
// zeros; found is false if there is none.
func NextData(f *os.File, off int64) (from, to int64, found bool, err error) {
	err = onFile("seek in", f, func(fd int) error {
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

// SyncData makes a file's bytes and its size durable.
func SyncData(f *os.File) error { return onFile("flush", f, unix.Fdatasync) }
