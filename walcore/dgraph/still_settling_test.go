//go:build unix

package dgraph

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/walfs/walfs/test/raftdir"
)

// withTestClock is a test with a clock of its own, which begins when it is in truth,
// since that is what files' times go by, and jumps to where the test sleeps to.
func withTestClock(test func(t *testing.T)) func(t *testing.T) {
	return func(t *testing.T) {
		now := time.Now()
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(now))
			test(t)
		})
	}
}

// TestHalfSlotForGood: a slot that is not finished is work in progress for a
// second; then it becomes a problem, and nothing changes any more, until it is
// finished after all.
func TestHalfSlotForGood(t *testing.T) { withTestClock(testHalfSlotForGood)(t) }

func testHalfSlotForGood(t *testing.T) {
	w := raftdir.Create(t.TempDir()+"/w", raftdir.Options{})
	defer w.Close()
	w.Append(10)
	r, err := OpenReader(w.Dir(), ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { r.Close() }()
	refresh := func() (changed bool) {
		t.Helper()
		next, err := r.refresh()
		if err != nil {
			t.Fatal(err)
		}
		changed = next != r
		r = next
		return changed
	}
	want := func(when string, last uint64, problems int) {
		t.Helper()
		if got, _ := r.LastIndex(); got != last || len(r.Problems()) != problems {
			t.Fatalf("%s: last index %d, problems %v; want %d and %d", when, got, r.Problems(), last, problems)
		}
	}
	finish := w.HalfSlot()
	refresh()
	want("at once", 10, 0)
	time.Sleep(999 * time.Millisecond)
	refresh()
	want("a moment before", 10, 0)
	time.Sleep(time.Millisecond)
	refresh()
	want("after a second", 10, 1)
	for range 10 {
		if refresh() {
			t.Error("it still changes")
		}
		time.Sleep(time.Minute)
	}
	want("after minutes", 10, 1)
	finish()
	refresh()
	want("finished", 11, 0)
}
