package platform

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTerminalColumns: a terminal is one, and tells its columns if it knows them; a file,
// a pipe and /dev/null, which programs without a user write to, are none.
func TestTerminalColumns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	for name, want := range map[string]bool{"/dev/ptmx": true, "/dev/null": false, file: false} {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		must(t, err)
		if columns, got := TerminalColumns(f); got != want || columns != 0 {
			t.Errorf("%s: %t, %d columns", name, got, columns)
		}
		if want {
			must(t, unix.IoctlSetWinsize(int(f.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 132}))
			if columns, _ := TerminalColumns(f); columns != 132 {
				t.Errorf("%s: %d columns of 132", name, columns)
			}
		}
		f.Close()
	}
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	defer w.Close()
	if _, is := TerminalColumns(w); is {
		t.Error("a pipe is one")
	}
}
