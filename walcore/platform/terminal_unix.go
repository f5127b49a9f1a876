//go:build unix

package platform

import (
	"os"

	"golang.org/x/sys/unix"
)

// IsTerminal reports whether somebody looks at what is written to a file: whether it is
// a terminal.
func IsTerminal(f *os.File) bool {
	return onFile("ioctl", f, func(fd int) error {
		_, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		return err
	}) == nil
}
