//go:build linux

package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
)

// copyOf is what walfs copy makes of a directory, and its names.
func copyOf(t *testing.T, dir string) (out string, names []string) {
	t.Helper()
	out = filepath.Join(t.TempDir(), "copy")
	output(t, walfs, "copy", dir, out)
	entries, err := os.ReadDir(out)
	fixture.Must(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return out, names
}

// destroyed are the files of which a writer has destroyed something, by the names of
// frozenCases. Where a rewrite reaches back, the file that it begins in loses its end, and
// the later ones are removed.
var destroyed = map[string][]string{
	"rewritten":                         {"00003.wal"},
	"cut off":                           {"00002.wal", "00003.wal"},
	"rewritten from an earlier file on": {"00002.wal", "00003.wal"},
	"compacted":                         {"00001.wal", "00002.wal"},
}

// TestFrozenNative: whatever a writer does later, native/ of a frozen mount has the files
// that walfs copy has made of the directory before, byte for byte. A file of which it has
// destroyed something gives an error.
func TestFrozenNative(t *testing.T) {
	for _, test := range frozenCases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newLog(t)
			out, names := copyOf(t, w.Dir())
			m := mount(t, w.Dir(), t.TempDir(), "--frozen")
			test.change(w)
			w.CommitTo(w.Commit)
			if got, want := output(t, "ls", filepath.Join(m.at, "native")), strings.Join(names, "\n")+"\n"; got != want {
				t.Errorf("native/ has %q, want %q", got, want)
			}
			for range 2 { // the second time with what the kernel has cached
				for _, name := range names {
					got, err := os.ReadFile(filepath.Join(m.at, "native", name))
					switch {
					case slices.Contains(destroyed[test.name], name):
						if !errors.Is(err, syscall.EIO) {
							t.Errorf("%s: %v, want EIO", name, err)
						}
					case err != nil:
						t.Error(err)
					case !bytes.Equal(got, fixture.ReadFile(t, filepath.Join(out, name))):
						t.Errorf("%s differs from what walfs copy has written", name)
					}
				}
			}
			m.stop()
		})
	}
}

// backups copy the folder $1 to the folder $2, which is there. $3 is an empty one.
var backups = map[string]string{
	"cp":     `cp -a --sparse=always "$1/." "$2"`,
	"tar":    `tar -C "$1" -cf - . > "$3/tar" && tar -C "$2" -xpf "$3/tar"`,
	"rsync":  `rsync -a "$1/" "$2"`,
	"restic": `cd "$1" && echo x > "$3/key" && export RESTIC_REPOSITORY="$3/repo" RESTIC_PASSWORD_FILE="$3/key" && restic init -q --no-cache && restic backup -q --no-cache . && restic restore -q --no-cache latest --target "$2"`,
}

// TestBackupOfFrozenMount: backup tools get from native/ of a frozen mount what walfs copy
// writes, while the log goes on. If they cannot get it, they fail.
func TestBackupOfFrozenMount(t *testing.T) {
	for tool, script := range backups {
		if tool == "restic" && !fixture.Full() {
			continue // it takes seconds
		}
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			need(t, tool)
			w := newLog(t)
			out, names := copyOf(t, w.Dir())
			rotated := mount(t, w.Dir(), t.TempDir(), "--frozen")
			compacted := mount(t, w.Dir(), t.TempDir(), "--frozen")
			w.Append(100)
			w.CommitTo(w.Last)
			to := t.TempDir()
			t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", to).Run() })
			sh(t, script, filepath.Join(rotated.at, "native"), to, t.TempDir())
			for _, name := range names {
				if !bytes.Equal(fixture.ReadFile(t, filepath.Join(to, name)), fixture.ReadFile(t, filepath.Join(out, name))) {
					t.Errorf("%s differs from what walfs copy has written", name)
				}
			}
			if got, err := os.ReadDir(to); err != nil || len(got) != len(names) {
				t.Errorf("the backup has %d files, want %d (%v)", len(got), len(names), err)
			}
			w.Snapshot(190)
			to2 := t.TempDir()
			t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", to2).Run() })
			cmd := exec.Command("sh", append([]string{"-ec", script, "sh"}, filepath.Join(compacted.at, "native"), to2, t.TempDir())...)
			if said, err := cmd.CombinedOutput(); err == nil {
				t.Errorf("it succeeds although two files are gone: %s", said)
			}
			rotated.stop()
			compacted.stop()
		})
	}
}

// TestDamagedFrozenMount: where walfs copy refuses, native/ of a frozen mount has the
// names, and reading them fails.
func TestDamagedFrozenMount(t *testing.T) {
	fixture.OneSize(t)
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 80})
	w.Append(100)
	w.CommitTo(100)
	w.Close()
	f := fixture.Edit(t, filepath.Join(w.Dir(), "00001.wal"))
	f.Set(40, fixture.Offset, 17)
	runReadCommand(t, []string{"copy", w.Dir(), filepath.Join(t.TempDir(), "out")}, "3")
	m := mount(t, w.Dir(), t.TempDir(), "--frozen")
	m.await("native/ cannot be read: ")
	for _, name := range []string{"00001.wal", "00002.wal", "wal.meta"} {
		if _, err := os.ReadFile(filepath.Join(m.at, "native", name)); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v, want EIO", name, err)
		}
	}
	m.stop()
}
