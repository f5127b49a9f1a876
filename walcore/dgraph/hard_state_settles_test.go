//go:build unix

package dgraph

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
)

// TestHardStateTooLowForGood: what the first look has said of a hard state is no work in
// progress when a later look finds the same, whatever else has changed.
func TestHardStateTooLowForGood(t *testing.T) { withTestClock(testHardStateTooLowForGood)(t) }

func testHardStateTooLowForGood(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{})
	w.Append(10)
	w.CommitTo(10)
	w.Close()
	fixture.Edit(t, filepath.Join(dir, "00001.wal")).Set(9, fixture.Term, 260)
	r, err := OpenReader(dir, ReaderOptions{})
	fixture.Must(t, err)
	defer func() { r.Close() }()
	for look := range 3 {
		if p := r.Problems(); len(p) != 1 || p[0].Kind != walcore.KindHardState {
			t.Errorf("look %d: %v, want that the hard state's term is too low", look, p)
		}
		fixture.Must(t, os.Chtimes(dir, time.Time{}, time.Now().Add(time.Duration(look+1)*time.Second)))
		next, err := r.refresh()
		fixture.Must(t, err)
		if next == r {
			t.Error("nothing has changed")
		}
		r = next
	}
}
