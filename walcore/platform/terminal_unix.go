//go:build unix

package platform

import (
	"os"

	"golang.org/x/sys/unix"
)

// TerminalColumns reports whether somebody looks at what is written to a file, that is,
// whether it is a terminal, and how many columns that has: 0 where it does not tell.
func TerminalColumns(f *os.File) (columns int, isTerminal bool) {
	err := onFile("ioctl", f, func(fd int) error {
		size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		if err == nil {
			columns = int(size.Col)
		}
		return err
	})
	return columns, err == nil
}
