package platform

import (
	"errors"
	"os"
	"syscall"
)

// ErrLocked: somebody has the directory's lock, in this process or another one.
var ErrLocked = errors.New("the directory is locked")

// Lock is a directory's lock, which LockDir takes.
type Lock struct{ dir *os.File }

// IsNoSpace reports whether a write failed for want of room: on the disk, or in
// the user's quota.
func IsNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
