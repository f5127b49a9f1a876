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
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// These tests read a mount while a node writes to its directory.

// newLog begins a log of 195 entries in three files of 80 slots, all of term
// 1, committed up to 120.
func newLog(t *testing.T) *raftdir.Writer {
	t.Helper()
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 80})
	t.Cleanup(w.Close)
	w.Append(195)
	w.CommitTo(120)
	return w
}

// watched is a mount and the process that reads it.
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

// problems are those that status.json lists, each as "KIND FILE".
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

// TestDirectoryAway renames the directory under a mount, and back. In between
// status.json lists a problem, and the mount shows what it showed before. After
// that it follows the directory again.
func TestDirectoryAway(t *testing.T) {
	w := newLog(t)
	m := watch(t, w.Dir())
	m.awaitEntry(195, 1)
	for range 2 {
		away := w.Dir() + ".away"
		if err := os.Rename(w.Dir(), away); err != nil {
			t.Fatal(err)
		}
		m.awaitProblems("unreadable .")
		last := w.Last
		w.Append(3) // the writer has its files mapped
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

// TestMetaReplaced: the storage renames a new wal.meta over the old one. A mount
// must follow the new file.
func TestMetaReplaced(t *testing.T) {
	w := newLog(t)
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
	for _, n := range []uint64{10, 20} {
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
	m.awaitText("meta/checkpoint_index", "21\n")
	m.stop()
}

// TestWriterStopped: a writer that is stopped while it writes a slot leaves what
// looks like damage. Once it goes on, the problem must be gone.
func TestWriterStopped(t *testing.T) {
	w := newLog(t)
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

// TestWriterGoesOn: when a writer stops for a moment while it writes a slot, no
// entry is lost or wrong.
func TestWriterGoesOn(t *testing.T) {
	w := newLog(t)
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
