//go:build !linux

package platform

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestNextDataIsTheRest(t *testing.T) {
	f := write(t, filepath.Join(t.TempDir(), "a"), "hello")
	if from, to, found, err := NextData(f, 2); from != 2 || to != 5 || !found || err != nil {
		t.Error(from, to, found, err)
	}
	if _, _, found, err := NextData(f, 5); found || err != nil {
		t.Error(found, err)
	}
}

func TestWritingNeedsLinux(t *testing.T) {
	_, lock := LockDir(t.TempDir())
	_, open := OpenForWriting("a", 0)
	for _, err := range []error{CheckWriting(), lock, open} {
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "writing needs Linux") {
			t.Errorf("%v", err)
		}
	}
}
