//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
)

// frozenCase is what the writer does to a log of 195 entries under a mount.
type frozenCase struct {
	name   string
	change func(*raftdir.Writer)
	whole  func(index uint64) bool // can still be read; the others give an error
}

func upTo(last uint64) func(uint64) bool { return func(i uint64) bool { return i <= last } }

var frozenCases = []frozenCase{
	{"appended", func(w *raftdir.Writer) { w.Append(10) }, upTo(195)},
	{"rotated", func(w *raftdir.Writer) { w.Append(100) }, upTo(195)},
	{"rewritten", func(w *raftdir.Writer) { w.Rewind(180); w.Append(30) }, upTo(180)},
	{"cut off", func(w *raftdir.Writer) { w.Rewind(150); w.Append(1) }, upTo(150)},
	{"rewritten from an earlier file on", func(w *raftdir.Writer) { w.Rewind(130); w.Append(90) }, upTo(130)},
	{"compacted", func(w *raftdir.Writer) { w.CommitTo(195); w.Snapshot(190); w.Append(10) },
		func(i uint64) bool { return i > 160 }},
}

// TestFrozen: a frozen mount shows nothing that is written later, and gives an
// error for what was overwritten or removed.
func TestFrozen(t *testing.T) {
	fixture.OneSize(t)
	for _, test := range frozenCases {
		for _, listed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, listed before %t", test.name, listed), func(t *testing.T) {
				t.Parallel()
				w := newLog(t)
				frozen, live := watch(t, w.Dir(), "--frozen"), watch(t, w.Dir())
				before := frozen.remember(listed)
				test.change(w)
				w.CommitTo(w.Commit)
				// The mount that follows shows that the change is there.
				live.awaitEntry(w.Last, w.Term)
				live.awaitText("meta/last_index", fmt.Sprintln(w.Last))
				for range 2 { // the second time with what the kernel has cached
					frozen.checkEntries(test.whole)
					frozen.checkRemembered(before)
				}
				frozen.stop()
				live.stop()
			})
		}
	}
}

// answer is what a question to a mount has given.
type answer struct{ op, path, got string }

// remember reads what a frozen mount must say for ever. With listed it lists
// folders too, so that the kernel has their names, and asks for entries that are
// not there, so that it knows that as well.
func (w *watched) remember(listed bool) (all []answer) {
	w.t.Helper()
	ask := func(op, path string) { all = append(all, answer{op, path, w.do(op, path)}) }
	if listed {
		for _, folder := range []string{"entries", "terms", "terms/1", "types/normal", "files", "files/00003.wal",
			"decoded", "native", "snapshots"} {
			ask("list", folder)
		}
		w.do("stat", "entries/196")
		w.do("stat", "entries/200")
	}
	for _, text := range []string{"status.json", "meta/last_index", "meta/hard_state/commit"} {
		ask("head", text)
	}
	return all
}

func (w *watched) checkRemembered(before []answer) {
	w.t.Helper()
	for _, a := range before {
		if got := w.do(a.op, a.path); got != a.got {
			w.t.Errorf("%s: got %.100q, want %.100q", a.path, got, a.got)
		}
	}
}

// checkEntries wants the 195 entries of newLog: those that are whole with their
// payloads, the others, unless they are empty, with EIO.
func (w *watched) checkEntries(whole func(index uint64) bool) {
	w.t.Helper()
	for index := uint64(1); index <= 195; index++ {
		want := string(raftdir.Payload(index, 1))
		for _, path := range []string{fmt.Sprintf("entries/%020d", index), fmt.Sprintf("terms/1/%d", index)} {
			switch got := w.do("head", path); {
			case got == want && (whole(index) || want == ""):
			case got == syscall.EIO.Error() && !whole(index):
			default:
				w.t.Fatalf("%s: got %.100q, want %.100q (%t)", path, got, want, whole(index))
			}
		}
	}
	for index := uint64(196); index <= 300; index++ {
		if got := w.do("stat", fmt.Sprintf("entries/%d", index)); got != syscall.ENOENT.Error() {
			w.t.Fatalf("entry %d: %s", index, got)
		}
	}
	if got := strings.Count(w.do("list", "entries"), "\n") + 1; got != 195 {
		w.t.Errorf("%d entries are listed", got)
	}
}
