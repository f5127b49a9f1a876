//go:build unix

package platform

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/walfs/walfs/walcore"
	"golang.org/x/sys/unix"
)

// Open opens a file for reading whose name a user gave. It follows a symbolic link, and
// waits at a pipe until there is a writer.
func Open(name string) (*os.File, error) {
	return openQuietly(unix.AT_FDCWD, name, name, 0)
}

// OpenDir opens a directory for reading. It fails with ENOTDIR where path is
// something else.
func OpenDir(path string) (*os.File, error) {
	return openQuietly(unix.AT_FDCWD, path, path, unix.O_DIRECTORY)
}

// List gives what is in an open directory now, in no order.
func List(dir *os.File) ([]fs.DirEntry, error) {
	if _, err := dir.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return dir.ReadDir(-1)
}

// OpenIn opens a file of an open directory for reading, even if the directory has been
// moved. It follows no symbolic link, and does not wait at a pipe.
func OpenIn(dir *os.File, name string) (*os.File, error) {
	defer runtime.KeepAlive(dir)
	path := filepath.Join(dir.Name(), name)
	f, err := openQuietly(int(dir.Fd()), name, path, unix.O_NOFOLLOW|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	// Only the opening must not wait. If the flag stayed, package os would use its
	// poller for the file, which not every kernel refuses for regular files.
	if err := unix.SetNonblock(int(f.Fd()), false); err != nil {
		return nil, errors.Join(&fs.PathError{Op: "open", Path: path, Err: err}, f.Close())
	}
	return f, nil
}

// openQuietly opens for reading and, if the kernel allows it, so that reading does not
// change the access time. path is the name for error messages.
func openQuietly(dir int, name, path string, flags int) (*os.File, error) {
	flags |= unix.O_RDONLY | unix.O_CLOEXEC
	fd, err := openAt(dir, name, flags|noAccessTime)
	if noAccessTime != 0 && errors.Is(err, unix.EPERM) {
		fd, err = openAt(dir, name, flags)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

func openAt(dir int, name string, flags int) (fd int, err error) {
	err = Retry(func() error {
		fd, err = unix.Openat(dir, name, flags, 0)
		return err
	})
	return fd, err
}

// Retry makes a system call, and makes it again if a signal interrupts it.
func Retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// onFile makes a system call on an open file.
func onFile(op string, f *os.File, call func(fd int) error) error {
	defer runtime.KeepAlive(f)
	fd := int(f.Fd())
	if err := Retry(func() error { return call(fd) }); err != nil {
		return &fs.PathError{Op: op, Path: f.Name(), Err: err}
	}
	return nil
}

// Stat gives an open file's attributes.
func Stat(f *os.File) (a walcore.Attr, err error) {
	err = onFile("stat", f, func(fd int) error {
		a, err = statFile(fd)
		return err
	})
	return a, err
}

// StatPath gives the attributes of the file at a path. It follows symbolic links.
func StatPath(path string) (walcore.Attr, error) { return statName(unix.AT_FDCWD, path, path, 0) }

// StatIn gives the attributes of a name in an open directory. It follows no symbolic
// link.
func StatIn(dir *os.File, name string) (walcore.Attr, error) {
	defer runtime.KeepAlive(dir)
	return statName(int(dir.Fd()), name, filepath.Join(dir.Name(), name), unix.AT_SYMLINK_NOFOLLOW)
}

func statName(dir int, name, path string, flags int) (a walcore.Attr, err error) {
	err = Retry(func() error {
		a, err = statAt(dir, name, flags)
		return err
	})
	if err != nil {
		return walcore.Attr{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return a, nil
}
