package platform

import (
	"os"
	"path/filepath"
	"testing"
)

// TestIsTerminal: a terminal is one; a file, a pipe and /dev/null, which programs
// without a user write to, are none.
func TestIsTerminal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	for name, want := range map[string]bool{"/dev/ptmx": true, "/dev/null": false, file: false} {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		must(t, err)
		if got := IsTerminal(f); got != want {
			t.Errorf("%s: %t", name, got)
		}
		f.Close()
	}
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	defer w.Close()
	if IsTerminal(w) {
		t.Error("a pipe is one")
	}
}
