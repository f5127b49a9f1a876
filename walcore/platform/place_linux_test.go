package platform

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/walcore"
)

// TestPlaceInUse: a place is one process's until it is done.
func TestPlaceInUse(t *testing.T) {
	temp, source := t.TempDir(), t.TempDir()
	out := filepath.Join(temp, "out")
	p, err := NewPlace(out, source, true)
	must(t, err)
	must(t, os.Mkdir(p.Unfinished, 0o700))
	if _, err := NewPlace(out, source, true); !errors.Is(err, walcore.ErrInUse) {
		t.Errorf("another one is at work: %v", err)
	}
	must(t, p.Finish())
	must(t, p.Close())
	wantNames(t, temp, "out")
}
