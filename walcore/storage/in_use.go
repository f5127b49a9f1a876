package storage

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// lockDir takes the directory's lock, which lasts until it is closed. It fails with
// ErrInUse if another DiskStorage has it, in this process or not.
func lockDir(path string) (*platform.Lock, error) {
	lock, err := platform.LockDir(path)
	if errors.Is(err, platform.ErrLocked) {
		return nil, fmt.Errorf("%s: another storage has it open: %w; close that one first", path, walcore.ErrInUse)
	}
	return lock, err
}

// unusedWait is how long somebody else may have a file open before that counts as
// use. A process that this one has just forked has all its files open until it
// begins its own program, which can take long on a busy machine. Who really uses
// the directory has its files open for longer.
const unusedWait = 2 * time.Second

// checkUnused fails with ErrInUse if anybody has the file open or mapped. Dgraph
// takes no lock that could be looked for. Where the kernel cannot tell (a file of
// another user, a network file system), the file counts as unused.
func checkUnused(dir, name string) error {
	path := filepath.Join(dir, name)
	for deadline := time.Now().Add(unusedWait); ; time.Sleep(time.Millisecond) {
		open, err := platform.OpenElsewhere(path)
		if !open {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: another program has it open: %w; stop the node, unmount the directory, or see fuser(1)", path, walcore.ErrInUse)
		}
	}
}
