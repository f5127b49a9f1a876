package platform

import (
	"os"

	"golang.org/x/sys/windows"
)

// TerminalColumns reports whether somebody looks at what is written to a file, that is,
// whether it is a console, and how many columns that has: 0 where it does not tell.
func TerminalColumns(f *os.File) (columns int, isTerminal bool) {
	var mode uint32
	if windows.GetConsoleMode(windows.Handle(f.Fd()), &mode) != nil {
		return 0, false
	}
	var info windows.ConsoleScreenBufferInfo
	if windows.GetConsoleScreenBufferInfo(windows.Handle(f.Fd()), &info) != nil {
		return 0, true
	}
	return int(info.Window.Right-info.Window.Left) + 1, true
}
