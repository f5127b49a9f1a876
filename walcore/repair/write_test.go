//go:build linux

package repair

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/platform"
	"golang.org/x/sys/unix"
)

// damagedAlpha is a directory to repair: slot 900 of 975 is damaged.
func damagedAlpha(t testing.TB) (dir string, want map[uint64]wantEntry) {
	t.Helper()
	dir = fixture.ShortDir(t, "alpha")
	_, want = wanted(t, "alpha")
	fixture.Edit(t, filepath.Join(dir, "00001.wal")).Set(900, fixture.Offset, 3)
	return dir, want
}

// nothingAt wants that neither the directory nor a part of it is there.
func nothingAt(t *testing.T, out string) {
	t.Helper()
	list, err := os.ReadDir(filepath.Dir(out))
	fixture.Must(t, err)
	for _, e := range list {
		if strings.Contains(e.Name(), filepath.Base(out)) {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// TestSourceUntouched: repair leaves no trace on the directory that it reads.
func TestSourceUntouched(t *testing.T) {
	dir, want := damagedAlpha(t)
	fixture.Age(t, dir)
	before := fixture.State(t, dir)
	if p := repaired(t, dir, Options{}, want); p == nil || p.Last != 900 {
		t.Errorf("%+v", p)
	}
	if after := fixture.State(t, dir); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

// TestSound: there is nothing to repair in fixtures, and nothing is written.
func TestSound(t *testing.T) {
	for _, name := range fixture.All() {
		if name == "bigdata" {
			continue // written by raftwal alone: its hard state is empty
		}
		p, err := plan(t, fixture.Dir(t, name), Options{Key: fixture.Key(name)})
		fixture.Must(t, err)
		out := filepath.Join(t.TempDir(), "out")
		fixture.Must(t, p.Write(t.Context(), out))
		if !p.Sound {
			t.Errorf("%s: problems %v", name, p.Problems)
		}
		nothingAt(t, out)
	}
}

// TestDestination: repair writes to a directory that is empty or not there, and
// nowhere else.
func TestDestination(t *testing.T) {
	dir, want := damagedAlpha(t)
	tmp := t.TempDir()
	write := func(out string) error {
		p, err := plan(t, dir, Options{})
		fixture.Must(t, err)
		if err = p.Write(t.Context(), out); err == nil {
			checkWritten(t, p, out, want)
		}
		return err
	}
	out := filepath.Join(tmp, "out")
	fixture.Must(t, os.Mkdir(out, 0o700))
	fixture.Must(t, write(out)) // it is empty
	refuse := func(out, text string) {
		t.Helper()
		if err := write(out); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %s", out, err, text)
		}
	}
	refuse(out, "is not empty, it holds")
	fixture.Must(t, os.WriteFile(filepath.Join(tmp, "file"), nil, 0o600))
	refuse(filepath.Join(tmp, "file"), "exists already")
	refuse(filepath.Join(tmp, "none", "out"), "no such file")
	refuse(filepath.Join(dir, "out"), "which is not to be changed")
	fixture.Must(t, os.Symlink(dir, filepath.Join(tmp, "link")))
	refuse(filepath.Join(tmp, "link", "out"), "which is not to be changed")

	fixture.Must(t, os.RemoveAll(out))
	other, err := platform.NewPlace(out, dir, true)
	fixture.Must(t, err)
	if err := write(out); !errors.Is(err, walcore.ErrInUse) {
		t.Errorf("another repair is at work: %v", err)
	}
	fixture.Must(t, other.Close())
	fixture.Must(t, write(out))
}

// TestPermissions: the node that used the old directory can open the new one.
func TestPermissions(t *testing.T) {
	dir, _ := damagedAlpha(t)
	fixture.Must(t, os.Chmod(dir, 0o750))
	fixture.Must(t, os.Chmod(filepath.Join(dir, "wal.meta"), 0o640))
	owner := os.Geteuid()
	if owner == 0 {
		owner = 1234
		fixture.Must(t, os.Lchown(dir, owner, owner))
		fixture.Must(t, os.Lchown(filepath.Join(dir, "wal.meta"), owner, owner))
	}
	p, err := plan(t, dir, Options{})
	fixture.Must(t, err)
	out := filepath.Join(t.TempDir(), "out")
	fixture.Must(t, p.Write(t.Context(), out))
	for name, mode := range map[string]fs.FileMode{".": 0o750, "00001.wal": 0o640, "wal.meta": 0o640} {
		st, err := os.Stat(filepath.Join(out, name))
		fixture.Must(t, err)
		if uid := int(st.Sys().(*syscall.Stat_t).Uid); st.Mode().Perm() != mode || uid != owner {
			t.Errorf("%s: mode %v, owner %d", name, st.Mode(), uid)
		}
	}
}

// TestInterrupted: Ctrl-C at any moment leaves nothing.
func TestInterrupted(t *testing.T) {
	dir, _ := damagedAlpha(t)
	out := filepath.Join(t.TempDir(), "out")
	for _, at := range []float64{0.7, 0.9} { // of the bytes: while it writes, while it compares
		ctx, cancel := context.WithCancel(t.Context())
		p, err := plan(t, dir, Options{Progress: func(done, total int64) {
			if float64(done) > at*float64(total) {
				cancel()
			}
		}})
		fixture.Must(t, err)
		if err := p.Write(ctx, out); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		cancel()
		nothingAt(t, out)
	}
}

const killEnv = "WALFS_TEST_REPAIR"

// TestKilledChild is no test: it is what TestKilled kills.
func TestKilledChild(t *testing.T) {
	dir, out, ok := strings.Cut(os.Getenv(killEnv), ":")
	if !ok {
		t.Skip("runs in a child process of TestKilled")
	}
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	fixture.Must(t, err)
	p, err := New(t.Context(), r, Options{Progress: func(done, total int64) { fmt.Println("done", done*100/total) }})
	fixture.Must(t, err)
	fixture.Must(t, p.Write(t.Context(), out))
	fmt.Println("written")
}

// TestKilled: SIGKILL leaves nothing under the final name, and the next repair removes
// the rest.
func TestKilled(t *testing.T) {
	dir, want := damagedAlpha(t)
	out := filepath.Join(t.TempDir(), "out")
	for _, at := range []int64{70, 90} { // percent: while it writes, while it compares
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledChild$")
		cmd.Env = append(os.Environ(), killEnv+"="+dir+":"+out)
		stdout, err := cmd.StdoutPipe()
		fixture.Must(t, err)
		fixture.Must(t, cmd.Start())
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var done int64
			if fmt.Sscanf(lines.Text(), "done %d", &done); done >= at {
				fixture.Must(t, cmd.Process.Kill())
				break
			}
		}
		io.Copy(io.Discard, stdout)
		cmd.Wait()
		left, err := os.ReadDir(filepath.Dir(out))
		fixture.Must(t, err)
		if len(left) == 1 && left[0].Name() == "out" {
			// The pipe is ahead of what is printed into it.
			t.Log("it was done before it was killed")
			fixture.Must(t, os.RemoveAll(out))
		} else if len(left) != 1 || left[0].Name() != filepath.Base(unfinished(out)) {
			t.Errorf("%v is left", left)
		}
		p, err := plan(t, dir, Options{})
		fixture.Must(t, err)
		fixture.Must(t, p.Write(t.Context(), out))
		checkWritten(t, p, out, want)
		fixture.Must(t, os.RemoveAll(out))
	}
}

// TestFullDisk: a full disk leaves nothing.
func TestFullDisk(t *testing.T) {
	dir, _ := damagedAlpha(t)
	at := t.TempDir()
	err := unix.Mount("walfs-test", at, "tmpfs", 0, "size=1200k")
	if errors.Is(err, unix.EPERM) && os.Getenv("CI") == "" {
		t.Skip("needs root, and to mount")
	}
	fixture.Must(t, err)
	defer unix.Unmount(at, unix.MNT_DETACH)
	p, err := plan(t, dir, Options{})
	fixture.Must(t, err)
	out := filepath.Join(at, "out")
	if err := p.Write(t.Context(), out); !platform.IsNoSpace(err) {
		t.Errorf("%v, want a full disk", err)
	}
	nothingAt(t, out)
}

// TestChecksums: a log with checksums keeps them, and an entry that fails its own is
// left out, with those behind it.
func TestChecksums(t *testing.T) {
	source, _ := damagedAlpha(t)
	p, err := plan(t, source, Options{})
	fixture.Must(t, err)
	p.Checksums = true
	dir := filepath.Join(t.TempDir(), "w")
	fixture.Must(t, p.Write(t.Context(), dir))
	_, want := wanted(t, "alpha")
	f := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	const slot = 700
	f.Write(int64(f.Get(slot, fixture.Offset))+4, []byte{0xff})
	p = repaired(t, dir, Options{}, want)
	if p == nil || p.Last != slot || !p.Lost {
		t.Errorf("%+v", p)
	}
}

// TestKeepGoing: nothing goes past a hole, and what is asked for beyond one is refused.
func TestKeepGoing(t *testing.T) {
	dir, _ := damagedAlpha(t)
	refused(t, dir, Options{KeepGoing: true}, walcore.ErrRefused)
	below := fixture.Dir(t, "bigsnap")
	fixture.Edit(t, filepath.Join(below, "00001.wal")).Set(10, fixture.Offset, 3)
	_, want := wanted(t, "bigsnap")
	if p := repaired(t, below, Options{KeepGoing: true}, want); p == nil || p.Last != 50 || p.Lost {
		t.Errorf("damage below the snapshot: %+v", p)
	}
}

// TestKeys: the wrong key, and none, are not damage.
func TestKeys(t *testing.T) {
	dir := fixture.Dir(t, "sealed128")
	refused(t, dir, Options{}, walcore.ErrNoKey)
	plain, _ := damagedAlpha(t)
	refused(t, plain, Options{Key: fixture.Key("sealed128")}, walcore.ErrKey)
	fixture.Must(t, os.Remove(filepath.Join(dir, "KEYREGISTRY")))
	refused(t, dir, Options{Key: fixture.Key("sealed128")}, walcore.ErrDataKey)
}

// TestReplaced: a snapshot from another node replaces the log that a crash has left
// beside it; where entries were committed behind it, the log is the snapshot's.
func TestReplaced(t *testing.T) {
	dir := fixture.Dir(t, "bigsnap")
	_, want := wanted(t, "bigsnap")
	f := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	for slot := range 20 {
		f.Set(slot, fixture.Term, 1)
	}
	f.Set(5, fixture.Offset, 3) // so that there is a problem
	if p := repaired(t, dir, Options{}, want); p == nil || p.Last != 50 || p.Lost {
		t.Errorf("entries behind the snapshot were committed: %+v", p)
	}
	metaOf(t, dir).Write(512, []byte{0, 0, 0, 6, 8, 2, 16, 2, 24, 20})
	if p := repaired(t, dir, Options{}, want); p == nil || p.Last != 20 || p.Lost || p.State.Commit != 20 {
		t.Errorf("nothing behind the snapshot was committed: %+v", p)
	}
}
