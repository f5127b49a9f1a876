package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/walfs/walfs/walcore"
	"golang.org/x/sys/unix"
)

// lockDir takes the directory's lock, which lasts until the file is closed. It
// fails with ErrInUse if another DiskStorage has it, in this process or another.
func lockDir(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != unix.EINTR {
			break
		}
	}
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s: another storage has it open: %w; close that one first", path, walcore.ErrInUse)
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}

// unlockDir gives the lock back. To close the file is not enough: a process that
// this one has just forked has it open, too, until it begins its own program.
func unlockDir(f *os.File) error {
	return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close())
}

// unusedWait is how long somebody else may have a file open before that counts as
// use. A process that this one has just forked has all its files open until it
// begins its own program, which can take long on a busy machine. Who really uses
// the directory has its files open for longer.
const unusedWait = 2 * time.Second

// checkUnused fails with ErrInUse if anybody has the file open or mapped. Dgraph
// takes no lock that could be looked for, but the kernel grants a write lease only
// on a file that nobody else has open. Where the kernel grants none for another
// reason (a file of another user, a network file system), the file counts as
// unused.
func checkUnused(dir, name string) error {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for deadline := time.Now().Add(unusedWait); ; time.Sleep(time.Millisecond) {
		_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
		if !errors.Is(err, unix.EAGAIN) {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: another program has it open: %w; stop the node, unmount the directory, or see fuser(1)", path, walcore.ErrInUse)
		}
	}
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
		return err
	}
	return nil
}
