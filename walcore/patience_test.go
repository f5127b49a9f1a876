//go:build unix

package walcore_test

import (
	"testing"
	"time"

	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
)

// TestHalfSlotForGood: a slot that is never finished becomes a problem, and then
// nothing changes any more, until it is finished after all.
func TestHalfSlotForGood(t *testing.T) {
	dir := t.TempDir()
	w := raftdir.Create(dir+"/w", raftdir.Options{})
	defer w.Close()
	w.Append(10)
	r, err := walcore.OpenReader(dir+"/w", walcore.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { r.Close() }()
	refresh := func() (changed bool) {
		t.Helper()
		next, err := r.Refresh()
		if err != nil {
			t.Fatal(err)
		}
		changed = next != r
		r = next
		return changed
	}
	finish := w.HalfSlot()
	for end := time.Now().Add(time.Minute); len(r.Problems()) == 0; time.Sleep(10 * time.Millisecond) {
		if refresh(); time.Now().After(end) {
			t.Fatal("the half slot is no problem")
		}
	}
	for end := time.Now().Add(time.Minute); refresh(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it still changes")
		}
	}
	if last, _ := r.LastIndex(); last != 10 || len(r.Problems()) != 1 {
		t.Errorf("last index %d, problems %v", last, r.Problems())
	}
	finish()
	for end := time.Now().Add(time.Minute); len(r.Problems()) > 0; time.Sleep(10 * time.Millisecond) {
		if refresh(); time.Now().After(end) {
			t.Fatalf("finished, and still %v", r.Problems())
		}
	}
	if last, _ := r.LastIndex(); last != 11 {
		t.Errorf("last index %d", last)
	}
}
