package platform_test

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/walcore/platform"
)

// TestNameOpenLimit: the error names the limit that was reached, once; other errors stay
// as they are.
func TestNameOpenLimit(t *testing.T) {
	for errno, name := range map[syscall.Errno]string{syscall.EMFILE: "RLIMIT_NOFILE", syscall.ENFILE: "fs.file-max"} {
		err := platform.NameOpenLimit(&fs.PathError{Op: "open", Path: "00007.wal", Err: errno})
		if again := platform.NameOpenLimit(err); again != err || !errors.Is(err, errno) {
			t.Errorf("named twice: %v", again)
		}
		if text := err.Error(); !strings.Contains(text, name) || !strings.Contains(text, "00007.wal") {
			t.Errorf("%q does not name %s", text, name)
		}
	}
	if err := platform.NameOpenLimit(fs.ErrNotExist); err != fs.ErrNotExist || platform.NameOpenLimit(nil) != nil {
		t.Errorf("another error becomes %v", err)
	}
	if n := platform.OpenLimit(); n < 8 {
		t.Errorf("this process may have %d files open", n)
	}
}
