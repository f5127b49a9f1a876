//go:build unix

package platform

import (
	"math"
	"syscall"
)

// OpenLimit is how many files this process may have open.
func OpenLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return enoughOpen
	}
	return int(min(uint64(limit.Cur), math.MaxInt32))
}
