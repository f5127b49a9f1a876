//go:build linux

package e2e

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// A directory while a node writes to it.

// livedLog begins a log of 195 entries in three files of 80 slots, all of term
// 1, committed up to 120.
func livedLog(t *testing.T) *raftdir.Writer {
	t.Helper()
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 80})
	t.Cleanup(w.Close)
	w.Append(195)
	w.CommitTo(120)
	return w
}

// watched is a mount and the process that looks at it.
type watched struct {
	*mounted
	look *child.Looker
}

func watch(t *testing.T, dir string, args ...string) *watched {
	t.Helper()
	return &watched{mount(t, dir, t.TempDir(), args...), child.StartLooker(t)}
}

func (w *watched) do(op, path string) string {
	w.t.Helper()
	return w.look.Do(op, filepath.Join(w.at, path))
}

// awaitEntry waits until an entry's file holds what was written.
func (w *watched) awaitEntry(index, term uint64) {
	w.t.Helper()
	child.Await(w.t, fmt.Sprintf("entry %d, term %d", index, term), func() bool {
		return w.do("head", fmt.Sprintf("entries/%d", index)) == string(raftdir.Payload(index, term))
	})
}

func (w *watched) awaitText(path, want string) {
	w.t.Helper()
	child.Await(w.t, path, func() bool { return w.do("head", path) == want })
}

// problems are those of status.json, "kind file" each.
func (w *watched) problems() (all []string) {
	w.t.Helper()
	var status struct{ Problems []walcore.Problem }
	text := w.do("head", "status.json")
	if gone[text] {
		return nil // it has just changed
	}
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		w.t.Fatalf("status.json: %v: %q", err, text)
	}
	for _, p := range status.Problems {
		all = append(all, fmt.Sprintf("%s %s", p.Kind, p.File))
	}
	return all
}

// awaitProblems waits until status.json lists these and no others.
func (w *watched) awaitProblems(want ...string) {
	w.t.Helper()
	var got []string
	child.Await(w.t, fmt.Sprintf("problems %q", want), func() bool {
		got = w.problems()
		return strings.Join(got, ", ") == strings.Join(want, ", ")
	})
}

// TestFrozen: a mount that is frozen shows none of what is written later, and
// an error for what was overwritten or removed.
func TestFrozen(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*raftdir.Writer)
		whole  func(index uint64) bool // must read; the others give an error
	}{
		{"appended", func(w *raftdir.Writer) { w.Append(10) }, func(uint64) bool { return true }},
		{"rotated", func(w *raftdir.Writer) { w.Append(100) }, func(uint64) bool { return true }},
		{"rewritten", func(w *raftdir.Writer) { w.Rewind(180); w.Append(30) }, func(i uint64) bool { return i <= 180 }},
		{"cut off", func(w *raftdir.Writer) { w.Rewind(150); w.Append(1) }, func(i uint64) bool { return i <= 150 }},
		{"rewritten from an earlier file on", func(w *raftdir.Writer) { w.Rewind(130); w.Append(90) },
			func(i uint64) bool { return i <= 130 }},
		{"compacted", func(w *raftdir.Writer) { w.CommitTo(195); w.Snapshot(190); w.Append(10) },
			func(i uint64) bool { return i > 160 }},
	} {
		for _, warm := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, listed before %t", test.name, warm), func(t *testing.T) {
				t.Parallel()
				w := livedLog(t)
				frozen, live := watch(t, w.Dir(), "--frozen"), watch(t, w.Dir())
				listed := map[string]string{}
				folders := []string{"entries", "terms", "terms/1", "types/normal", "files", "files/00003.wal", "decoded", "native", "snapshots"}
				texts := []string{"status.json", "meta/last_index", "meta/hard_state/commit"}
				if warm {
					for _, folder := range folders {
						listed[folder] = frozen.do("list", folder)
					}
					for _, index := range []int{196, 200} {
						frozen.do("stat", fmt.Sprintf("entries/%d", index))
					}
				}
				for _, text := range texts {
					listed[text] = frozen.do("head", text)
				}
				test.change(w)
				w.CommitTo(w.Commit)
				// Where it is followed, it is there.
				live.awaitEntry(w.Last, w.Term)
				live.awaitText("meta/last_index", fmt.Sprintln(w.Last))

				for round := range 2 {
					for index := uint64(1); index <= 195; index++ {
						want := string(raftdir.Payload(index, 1))
						for _, path := range []string{fmt.Sprintf("entries/%020d", index), fmt.Sprintf("terms/1/%d", index)} {
							switch got := frozen.do("head", path); {
							case got == want && (test.whole(index) || want == ""):
							case got == syscall.EIO.Error() && !test.whole(index):
							default:
								t.Fatalf("round %d, %s: got %.100q, want %.100q (%t)", round, path, got, want, test.whole(index))
							}
						}
					}
					for index := uint64(196); index <= 300; index++ {
						if got := frozen.do("stat", fmt.Sprintf("entries/%d", index)); got != syscall.ENOENT.Error() {
							t.Fatalf("entry %d: %s", index, got)
						}
					}
					if got := strings.Count(frozen.do("list", "entries"), "\n") + 1; got != 195 {
						t.Errorf("%d entries are listed", got)
					}
					for path, want := range listed {
						op := "list"
						if strings.Contains(path, "index") || strings.Contains(path, "commit") || path == "status.json" {
							op = "head"
						}
						if got := frozen.do(op, path); got != want {
							t.Errorf("%s: got %.100q, want %.100q", path, got, want)
						}
					}
				}
				frozen.stop()
				live.stop()
			})
		}
	}
}

// TestDirectoryAway: a directory that is renamed away is a problem; what was
// there is still shown; and when it is back, so is the mount.
func TestDirectoryAway(t *testing.T) {
	w := livedLog(t)
	m := watch(t, w.Dir())
	m.awaitEntry(195, 1)
	for range 2 {
		away := w.Dir() + ".away"
		if err := os.Rename(w.Dir(), away); err != nil {
			t.Fatal(err)
		}
		m.awaitProblems("unreadable .")
		last := w.Last
		w.Append(3) // its files are mapped
		for index := uint64(1); index <= last; index++ {
			if got := m.do("head", fmt.Sprintf("entries/%d", index)); got != string(raftdir.Payload(index, 1)) {
				t.Fatalf("entry %d: %.100q", index, got)
			}
		}
		if got := m.do("head", "meta/last_index"); got != fmt.Sprintln(last) {
			t.Errorf("last_index says %q", got)
		}
		if err := os.Rename(away, w.Dir()); err != nil {
			t.Fatal(err)
		}
		m.awaitProblems()
		m.awaitEntry(w.Last, 1)
	}
	m.stop()
}

// TestMetaReplaced: our own writer renames a new wal.meta over the old one.
func TestMetaReplaced(t *testing.T) {
	w := livedLog(t)
	m := watch(t, w.Dir())
	name := filepath.Join(w.Dir(), format.MetaName)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, checkpoint uint64) {
		t.Helper()
		binary.BigEndian.PutUint64(data[16:], checkpoint)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []uint64{1000, 2000} {
		write(name+".new", n)
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
		m.awaitText("meta/checkpoint_index", strconv.FormatUint(n, 10)+"\n")
		m.awaitText("native/wal.meta", string(data))
		m.awaitProblems()
		write(name, n+1) // in place: the new one is followed
		m.awaitText("meta/checkpoint_index", strconv.FormatUint(n+1, 10)+"\n")
		m.awaitText("native/wal.meta", string(data))
	}
	if err := os.Rename(name, name+".away"); err != nil {
		t.Fatal(err)
	}
	m.awaitProblems("meta wal.meta")
	m.awaitEntry(195, 1)
	if err := os.Rename(name+".away", name); err != nil {
		t.Fatal(err)
	}
	m.awaitProblems()
	m.awaitText("meta/checkpoint_index", "2001\n")
	m.stop()
}

// TestWriterStopped: one that is stopped between two stores has left something
// that looks like damage, until it goes on.
func TestWriterStopped(t *testing.T) {
	w := livedLog(t)
	m := watch(t, w.Dir())
	m.awaitEntry(195, 1)
	finish := w.HalfSlot()
	m.awaitProblems("offset 00003.wal")
	for index := uint64(1); index <= 195; index++ {
		if got := m.do("head", fmt.Sprintf("entries/%d", index)); got != string(raftdir.Payload(index, 1)) {
			t.Fatalf("entry %d: %.100q", index, got)
		}
	}
	if got := m.do("head", "entries/196"); !gone[got] {
		t.Errorf("the entry that is half written: %.100q", got)
	}
	if names := m.do("list", "entries"); !strings.HasSuffix(names, fmt.Sprintf("%020d", 195)) {
		t.Errorf("the list ends with %q", names[max(len(names)-20, 0):])
	}
	finish()
	m.awaitEntry(196, 1)
	m.awaitProblems()
	w.Append(10)
	m.awaitEntry(w.Last, 1)
	m.stop()
}

// TestWriterGoesOn: nothing is amiss while a writer stops for a moment.
func TestWriterGoesOn(t *testing.T) {
	w := livedLog(t)
	m := watch(t, w.Dir())
	for range 20 {
		finish := w.HalfSlot()
		if got := m.do("head", fmt.Sprintf("entries/%d", w.Last+1)); !gone[got] {
			t.Errorf("the entry that is half written: %.100q", got)
		}
		finish()
		m.awaitEntry(w.Last, 1)
	}
	if got := strings.Count(m.do("list", "entries"), "\n") + 1; got != int(w.Last) {
		t.Errorf("%d entries are listed, want %d", got, w.Last)
	}
	m.stop()
}
