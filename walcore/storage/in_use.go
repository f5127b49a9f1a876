package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
)

// lockDir takes the directory's lock, which lasts until it is closed. It fails with
// ErrInUse if another DiskStorage has it, in this process or not.
func lockDir(path string) (*platform.Lock, error) {
	lock, err := platform.LockDir(path)
	if errors.Is(err, platform.ErrLocked) {
		return nil, fmt.Errorf("%s: another storage has it open%s: %w; close that one first",
			path, whoWrites(filepath.Join(path, format.MetaName)), walcore.ErrInUse)
	}
	return lock, err
}

// unusedWait is how long somebody else may have a file open before that counts as
// use. A process that this one has just forked has all its files open until it
// begins its own program, which can take long on a busy machine. Who really uses
// the directory has its files open for longer.
const unusedWait = 2 * time.Second

// checkUnused fails with ErrInUse if anybody has the file open for writing, or mapped
// so. Dgraph takes no lock that could be looked for. Whoever only reads it, as a mount
// does, has nothing to do with it. Where the kernel cannot tell (a file of another
// user, a network file system), the file counts as unused.
func checkUnused(dir, name string) error {
	path := filepath.Join(dir, name)
	for deadline := time.Now().Add(unusedWait); ; time.Sleep(time.Millisecond) {
		written, err := platform.HasWriter(path)
		if !written {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: another program has it open for writing%s: %w; stop the node first", path, whoWrites(path), walcore.ErrInUse)
		}
	}
}

// whoWrites names who has a file open for writing, for an error message: ": dgraph (pid
// 12)", or nothing where /proc does not show it.
func whoWrites(path string) string {
	var names []string
	for _, p := range platform.Writers(path) {
		if p.PID == os.Getpid() {
			p.Command = "this process"
		}
		names = append(names, fmt.Sprintf("%s (pid %d)", p.Command, p.PID))
	}
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, ", ")
}
