//go:build linux

package e2e

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

// What a running node does to its directory, or an operator by mistake, while
// it is mounted.

// gone are the errnos for what can no longer be read. A mount that follows its
// directory may still be asked for what it has given up: ESTALE.
var gone = map[string]bool{syscall.EIO.Error(): true, syscall.ENOENT.Error(): true, syscall.ESTALE.Error(): true}

// neverWrong walks the entries: each is as the manifest has it, has been emptied
// where that may be, or gives an error. It returns how many are right.
func neverWrong(t *testing.T, m *mounted, want map[string]fixture.Entry, emptied bool) (right int) {
	t.Helper()
	got := walk(t, m.at, entryFolders...)
	for path, g := range got {
		e, known := want[path]
		switch {
		case !known && gone[g.sum]: // a folder that went while it was walked
		case !known:
			t.Fatalf("%s is no entry: %+v", path, g)
		case g.sum == e.SHA256 && g.size == e.Size:
			right++
		case emptied && g.sum == sum(""): // perhaps since its size was looked at
		case !gone[g.sum]:
			t.Fatalf("%s: got %+v, want %+v, EIO or ENOENT", path, g, e)
		}
	}
	return right
}

// following fails unless a mount that follows its directory still serves.
func following(t *testing.T, m *mounted) {
	t.Helper()
	got := walk(t, m.at, "README", "meta/raft_id", "status.json")
	for _, path := range []string{"README", "meta/raft_id", "status.json"} {
		if got[path].size == 0 || gone[got[path].sum] {
			t.Errorf("%s: %+v", path, got[path])
		}
	}
}

// alive fails unless the mount still serves what the change has not taken.
func alive(t *testing.T, m *mounted, want *fixture.Manifest) {
	t.Helper()
	checkMeta(t, walk(t, m.at, "meta"), want.Meta)
	if got := walk(t, m.at, "README")["README"]; got.size == 0 || gone[got.sum] {
		t.Errorf("README: %+v", got)
	}
}

func TestLogFileCutWhileMounted(t *testing.T) {
	const name = "rewritten" // 450 entries of up to some hundred bytes
	want := fixture.ReadManifest(t, name)
	empty := 0 // paths of entries without a payload: right without a read
	for _, e := range want.Entries {
		if e.Size == 0 {
			empty += 4
		}
	}
	for _, test := range []struct {
		name    string
		listed  bool // before the cut, so that the kernel knows all names
		cut     func(file string) error
		atLeast int // of the paths must still be right
		atMost  int
		// unlinked: its name is gone, its bytes are there as long as it is open
		unlinked bool
		zeroed   bool // its payloads have become zeros
	}{
		{"to 0", false, truncateTo(0), 0, empty, false, false},
		{"to 0, listed before", true, truncateTo(0), 0, empty, false, false},
		{"in the slots", true, truncateTo(100 * 32), 0, empty, false, false},
		{"in the payloads", false, truncateTo(1<<20 + 5000), 4, 4 * 200, false, false},
		{"in the payloads, listed before", true, truncateTo(1<<20 + 5000), 4, 4 * 200, false, false},
		{"and grown again", true, func(file string) error {
			if err := os.Truncate(file, 1<<20); err != nil {
				return err
			}
			return os.Truncate(file, 256<<20)
		}, 0, empty, false, true},
		{"deleted", false, os.Remove, 4 * 450, 4 * 450, true, false},
		{"deleted, listed before", true, os.Remove, 4 * 450, 4 * 450, true, false},
		{"renamed", false, func(file string) error { return os.Rename(file, file+".old") }, 4 * 450, 4 * 450, true, false},
	} {
		// Of a mount that follows, nothing must still be right but what is
		// whole on disk; it may take a look or two until that is seen.
		for _, frozen := range []bool{false, true} {
			if frozen && child.Race {
				continue // nothing changes in a frozen mount
			}
			t.Run(fmt.Sprintf("%s, frozen %t", test.name, frozen), func(t *testing.T) {
				t.Parallel()
				dir := fixture.Dir(t, name)
				paths := wantEntries(t, dir, want)
				// Zeros in the place of all payloads are what emptying leaves.
				emptied := test.zeroed && !frozen
				var args []string
				atLeast := test.atLeast
				if frozen {
					args = append(args, "--frozen")
				} else if test.unlinked {
					atLeast = 0
				}
				m := mount(t, dir, t.TempDir(), args...)
				if test.listed {
					output(t, "find", m.at, "-type", "f", "-size", "+0")
				}
				if err := test.cut(filepath.Join(dir, "00001.wal")); err != nil {
					t.Fatal(err)
				}
				right := neverWrong(t, m, paths, emptied)
				if !frozen {
					child.Await(t, "what is whole on disk, and no more", func() bool {
						right = neverWrong(t, m, paths, emptied)
						return right >= atLeast && right <= test.atMost
					})
				}
				if right < atLeast || right > test.atMost {
					t.Errorf("%d paths are right, want %d to %d", right, atLeast, test.atMost)
				}
				if frozen {
					alive(t, m, want)
				} else {
					following(t, m)
				}
				// A second look, with what the kernel has cached of the first.
				neverWrong(t, m, paths, emptied)
				m.stop()
			})
		}
	}
}

func truncateTo(n int64) func(string) error {
	return func(file string) error { return os.Truncate(file, n) }
}

// TestSlotsOverwrittenWhileMounted does what a node does when a new leader
// has other entries: payloads and slots at the end of the log are replaced.
func TestSlotsOverwrittenWhileMounted(t *testing.T) {
	const (
		name   = "alpha"
		first  = 900 // the first entry that is replaced
		cached = 905 // read before
	)
	want := fixture.ReadManifest(t, name)
	for _, test := range []struct {
		name   string
		listed bool
		change func(t *testing.T, f *os.File, slot int64, e fixture.Entry)
	}{
		{"payload and slot", true, func(t *testing.T, f *os.File, slot int64, e fixture.Entry) {
			overwritePayload(t, f, slot, e.Size)
			writeNumber(t, f, slot*32, e.Term+1)
		}},
		{"payload and slot, not listed before", false, func(t *testing.T, f *os.File, slot int64, e fixture.Entry) {
			overwritePayload(t, f, slot, e.Size)
			writeNumber(t, f, slot*32, e.Term+1)
		}},
		{"slot alone", true, func(t *testing.T, f *os.File, slot int64, e fixture.Entry) {
			writeNumber(t, f, slot*32, e.Term+1)
		}},
		{"slot emptied", true, func(t *testing.T, f *os.File, slot int64, e fixture.Entry) {
			write(t, f, slot*32, make([]byte, 32))
		}},
		{"payload moved", true, func(t *testing.T, f *os.File, slot int64, e fixture.Entry) {
			writeNumber(t, f, slot*32+16, 1<<20+uint64(slot))
		}},
		{"length changed", true, func(t *testing.T, f *os.File, slot int64, e fixture.Entry) {
			write(t, f, offset(t, f, slot), binary.BigEndian.AppendUint32(nil, uint32(e.Size+1)))
		}},
	} {
		overwrite := func(t *testing.T, args ...string) *mounted {
			dir := fixture.Dir(t, name)
			m := mount(t, dir, t.TempDir(), args...)
			if test.listed {
				output(t, "find", m.at+"/entries", "-type", "f", "-size", "+0")
				output(t, "cat", fmt.Sprintf("%s/entries/%d", m.at, cached))
			}
			f, err := os.OpenFile(filepath.Join(dir, "00001.wal"), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for _, e := range want.Entries[first-1:] {
				test.change(t, f, int64(e.Index-1), e)
			}
			return m
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := overwrite(t, "--frozen")
			for path, g := range walk(t, m.at, "entries") {
				e := entryOf(t, want, path)
				switch {
				case e.Index < first || e.Index == cached && g.sum == e.SHA256 || e.Size == 0 && g.sum == sum(""):
					if g.sum != e.SHA256 {
						t.Fatalf("%s: got %+v, want %+v", path, g, e)
					}
				case g.sum != syscall.EIO.Error():
					t.Fatalf("%s: got %+v, want EIO", path, g)
				}
			}
			alive(t, m, want)
			m.stop()
		})
		// A mount that follows shows the old entry, the new one, or an error.
		t.Run(test.name+", followed", func(t *testing.T) {
			t.Parallel()
			m := overwrite(t)
			for range 2 { // the second time with what the kernel has cached
				for path, g := range walk(t, m.at, "entries") {
					e := entryOf(t, want, path)
					overwritten := sum(strings.Repeat("N", int(e.Size)))
					switch {
					case g.sum == e.SHA256:
					case e.Index >= first && (gone[g.sum] || g.sum == overwritten):
					case e.Index >= first-2 && gone[g.sum]: // what comes next speaks against it
					case int(e.Index) == len(want.Entries): // none speaks against the last one's length
					default:
						t.Fatalf("%s: got %+v, want %+v, the new entry or an error", path, g, e)
					}
				}
				following(t, m)
			}
			m.stop()
		})
	}
}

func entryOf(t *testing.T, m *fixture.Manifest, path string) fixture.Entry {
	t.Helper()
	var index uint64
	if _, err := fmt.Sscanf(filepath.Base(path), "%d", &index); err != nil || index == 0 || index > uint64(len(m.Entries)) {
		t.Fatalf("%s is no entry", path)
	}
	return m.Entries[index-1]
}

func offset(t *testing.T, f *os.File, slot int64) int64 {
	t.Helper()
	var b [8]byte
	if _, err := f.ReadAt(b[:], slot*32+16); err != nil {
		t.Fatal(err)
	}
	return int64(binary.BigEndian.Uint64(b[:]))
}

// overwritePayload keeps the length: the worst case for a reader that does
// not look at the slot.
func overwritePayload(t *testing.T, f *os.File, slot, size int64) {
	t.Helper()
	b := make([]byte, size)
	for i := range b {
		b[i] = 'N'
	}
	write(t, f, offset(t, f, slot)+4, b)
}

func writeNumber(t *testing.T, f *os.File, off int64, n uint64) {
	t.Helper()
	write(t, f, off, binary.BigEndian.AppendUint64(nil, n))
}

func write(t *testing.T, f *os.File, off int64, b []byte) {
	t.Helper()
	if _, err := f.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
}
