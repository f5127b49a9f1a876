//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

// These tests change log files under a mount, as a running node does, or an
// operator by mistake.

// gone are the errors for what can no longer be read. ESTALE comes from a mount
// that follows its directory, for a file that it no longer shows.
var gone = map[string]bool{syscall.EIO.Error(): true, syscall.ENOENT.Error(): true, syscall.ESTALE.Error(): true}

// neverWrong reads all entries. Each must be as the manifest has it or give an
// error; with emptied, it may be empty instead. It returns how many are right.
func neverWrong(t *testing.T, m *mounted, want map[string]fixture.Entry, emptied bool) (right int) {
	t.Helper()
	got := walk(t, m.at, entryFolders...)
	for path, g := range got {
		e, known := want[path]
		switch {
		case !known && gone[g.sum]: // a folder that was removed during the walk
		case !known:
			t.Fatalf("%s is no entry: %+v", path, g)
		case g.sum == e.SHA256 && g.size == e.Size:
			right++
		case emptied && g.sum == sum(""): // its size may still be the old one
		case !gone[g.sum]:
			t.Fatalf("%s: got %+v, want %+v, EIO or ENOENT", path, g, e)
		}
	}
	return right
}

// following fails the test unless a mount that follows its directory still serves
// the files that do not depend on log files.
func following(t *testing.T, m *mounted) {
	t.Helper()
	got := walk(t, m.at, "README", "meta/raft_id", "status.json")
	for _, path := range []string{"README", "meta/raft_id", "status.json"} {
		if got[path].size == 0 || gone[got[path].sum] {
			t.Errorf("%s: %+v", path, got[path])
		}
	}
}

// alive fails the test unless a frozen mount still serves the files that do not
// depend on log files, with their old content.
func alive(t *testing.T, m *mounted, want *fixture.Manifest) {
	t.Helper()
	checkMeta(t, walk(t, m.at, "meta"), want.Meta)
	if got := walk(t, m.at, "README")["README"]; got.size == 0 || gone[got.sum] {
		t.Errorf("README: %+v", got)
	}
}

// cutCase is a change to the file of rewritten, whose 450 entries have up to some
// hundred bytes each. Each entry has four paths.
type cutCase struct {
	name    string
	listed  bool // before the change, so that the kernel knows all names
	cut     func(file string) error
	atLeast int // so many paths must still give their entry
	atMost  int // no more may; onlyEmpty: those of entries without a payload
	// unlinked: the file's name is gone; its bytes stay as long as it is open.
	unlinked bool
	zeroed   bool // the payloads have become zeros
}

var cutCases = []cutCase{
	{"to 0", false, truncateTo(0), 0, onlyEmpty, false, false},
	{"to 0, listed before", true, truncateTo(0), 0, onlyEmpty, false, false},
	{"in the slots", true, truncateTo(100 * 32), 0, onlyEmpty, false, false},
	{"in the payloads", false, truncateTo(1<<20 + 5000), 4, 4 * 200, false, false},
	{"in the payloads, listed before", true, truncateTo(1<<20 + 5000), 4, 4 * 200, false, false},
	{"and grown again", true, cutAndGrow, 0, onlyEmpty, false, true},
	{"deleted", false, os.Remove, 4 * 450, 4 * 450, true, false},
	{"deleted, listed before", true, os.Remove, 4 * 450, 4 * 450, true, false},
	{"renamed", false, func(file string) error { return os.Rename(file, file+".old") }, 4 * 450, 4 * 450, true, false},
}

// onlyEmpty stands for the paths of entries without a payload: they are right
// without a read.
const onlyEmpty = -1

func TestLogFileCutWhileMounted(t *testing.T) {
	fixture.OneSize(t)
	want := fixture.ReadManifest(t, "rewritten")
	empty := 0
	for _, e := range want.Entries {
		if e.Size == 0 {
			empty += 4
		}
	}
	for _, test := range cutCases {
		if test.atMost == onlyEmpty {
			test.atMost = empty
		}
		t.Run(test.name+", followed", func(t *testing.T) {
			t.Parallel()
			cutUnderMount(t, test, want, false)
		})
		if child.Race {
			continue // nothing changes in a frozen mount
		}
		t.Run(test.name+", frozen", func(t *testing.T) {
			t.Parallel()
			cutUnderMount(t, test, want, true)
		})
	}
}

// cutUnderMount changes the log file and reads the mount. A mount that follows
// must in the end show exactly what is whole on disk. It may take a moment until
// it does: during that time it may give errors or old entries, but nothing wrong.
func cutUnderMount(t *testing.T, test cutCase, want *fixture.Manifest, frozen bool) {
	dir := fixture.Dir(t, "rewritten")
	paths := wantEntries(t, dir, want)
	// An entry whose length has become 0 looks like one that was emptied.
	emptied := test.zeroed && !frozen
	var args []string
	if frozen {
		args = []string{"--frozen"}
	} else if test.unlinked {
		test.atLeast = 0
	}
	m := mount(t, dir, t.TempDir(), args...)
	if test.listed {
		output(t, "find", m.at, "-type", "f", "-size", "+0")
	}
	fixture.Must(t, test.cut(filepath.Join(dir, "00001.wal")))
	right := neverWrong(t, m, paths, emptied)
	if !frozen {
		child.Await(t, "what is whole on disk, and no more", func() bool {
			right = neverWrong(t, m, paths, emptied)
			return right >= test.atLeast && right <= test.atMost
		})
	}
	if right < test.atLeast || right > test.atMost {
		t.Errorf("%d paths are right, want %d to %d", right, test.atLeast, test.atMost)
	}
	if frozen {
		alive(t, m, want)
	} else {
		following(t, m)
	}
	// Once more: now the kernel has cached what it was given before.
	neverWrong(t, m, paths, emptied)
	m.stop()
}

func cutAndGrow(file string) error {
	if err := os.Truncate(file, 1<<20); err != nil {
		return err
	}
	return os.Truncate(file, 256<<20)
}

func truncateTo(n int64) func(string) error {
	return func(file string) error { return os.Truncate(file, n) }
}
