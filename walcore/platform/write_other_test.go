//go:build !linux

package platform

import (
	"errors"
	"strings"
	"testing"
)

func TestWritingNeedsLinux(t *testing.T) {
	_, lock := LockDir(t.TempDir())
	_, open := OpenForWriting("a", 0)
	for _, err := range []error{CheckWriting(), lock, open} {
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "writing needs Linux") {
			t.Errorf("%v", err)
		}
	}
}
