package backup

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// TestFlushFails: that a flush has failed is told whatever else has happened. After
// ErrChanged a copy goes on, and the system does not say it again.
func TestFlushFails(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	fixture.Must(t, err)
	for _, writing := range []error{nil, walcore.ErrChanged} {
		flush := newFlusher()
		flush.begin(file)
		if err := flush.wait(writing); err != writing {
			t.Errorf("a flush that succeeds: %v, want %v", err, writing)
		}
	}
	fixture.Must(t, file.Close())
	for _, writing := range []error{nil, walcore.ErrChanged} {
		flush := newFlusher()
		flush.begin(file)
		if err := flush.wait(writing); !errors.Is(err, os.ErrClosed) || errors.Is(err, walcore.ErrChanged) {
			t.Errorf("a flush that fails, after %v: %v", writing, err)
		}
	}
}
