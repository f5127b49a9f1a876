package platform

import (
	"errors"
	"os"
	"syscall"
)

// ErrLocked: this process or another one has locked the directory.
var ErrLocked = errors.New("the directory is locked")

// Lock is a directory's lock, which LockDir takes.
type Lock struct{ dir *os.File }

// Process is a running program.
type Process struct {
	PID     int
	Command string // its name, of at most 15 bytes, all of them printable
}

// IsNoSpace reports whether a write failed because the disk is full, or the user's
// quota used up.
func IsNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
