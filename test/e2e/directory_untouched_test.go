//go:build linux

package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

// untouched is a directory as it must stay: all that statx tells of it and of
// each file in it, and the files' bytes.
type untouched struct {
	dir   string
	state map[string]string
}

// untouchable takes down a directory's state. It first makes every access time
// so old that any read which leaves one would change it.
func untouchable(t *testing.T, dir string) *untouched {
	t.Helper()
	paths := append(names(t, dir), dir)
	for _, p := range paths {
		// What the file system still has to write moves blocks.
		f := openUntouched(t, p)
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	output(t, "touch", append([]string{"-a", "-d", "2001-02-03 04:05:06.789"}, paths...)...)
	return &untouched{dir, state(t, dir)}
}

func (u *untouched) check(t *testing.T) {
	t.Helper()
	now := state(t, u.dir)
	for p, was := range u.state {
		if now[p] != was {
			t.Errorf("%s changed:\n%s\nbefore:\n%s", p, now[p], was)
		}
	}
	if len(now) != len(u.state) {
		t.Errorf("the directory holds %v", maps.Keys(now))
	}
}

// state is read in an order and in a way that changes nothing itself.
func state(t *testing.T, dir string) map[string]string {
	t.Helper()
	s := map[string]string{dir: statx(t, dir)}
	for _, p := range names(t, dir) {
		s[p] = statx(t, p)
		s[p] += " content " + content(t, p)
	}
	return s
}

func statx(t *testing.T, path string) string {
	t.Helper()
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &st); err != nil {
		t.Fatal(err)
	}
	at := func(ts unix.StatxTimestamp) string { return fmt.Sprintf("%d.%09d", ts.Sec, ts.Nsec) }
	return fmt.Sprintf("atime %s mtime %s ctime %s btime %s size %d blocks %d inode %d mode %o links %d owner %d:%d",
		at(st.Atime), at(st.Mtime), at(st.Ctime), at(st.Btime), st.Size, st.Blocks, st.Ino, st.Mode, st.Nlink, st.Uid, st.Gid)
}

// openUntouched opens for reading without an access time.
func openUntouched(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOATIME, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	d := openUntouched(t, dir)
	defer d.Close()
	list, err := d.Readdirnames(-1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i] = filepath.Join(dir, list[i])
	}
	return list
}

// content hashes a file's data and where it lies, but not its holes.
func content(t *testing.T, path string) string {
	t.Helper()
	f := openUntouched(t, path)
	defer f.Close()
	h := sha256.New()
	for end := int64(0); ; {
		data, err := unix.Seek(int(f.Fd()), end, unix.SEEK_DATA)
		if err == unix.ENXIO {
			return hex.EncodeToString(h.Sum(nil))
		}
		if err != nil {
			t.Fatal(err)
		}
		if end, err = unix.Seek(int(f.Fd()), data, unix.SEEK_HOLE); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%d-%d:", data, end)
		if _, err := io.Copy(h, io.NewSectionReader(f, data, end-data)); err != nil {
			t.Fatal(err)
		}
	}
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// TestNothingIsTouched runs every command that reads, with the right key, a
// wrong one and none, and those that write with --dry-run.
func TestNothingIsTouched(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	wrong := filepath.Join(t.TempDir(), "wrong")
	for file, text := range map[string]string{data: "state", wrong: "0123456789abcdeF"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	directories := []string{"sealed128", "alpha", "bigsnap"}
	if child.Race {
		directories = directories[:1]
	}
	for _, name := range directories {
		dir := fixture.ShortDir(t, name)
		other := fixture.ShortDir(t, name)
		keys := keyArgs(t, name)
		last := len(fixture.ReadManifest(t, name).Entries)
		before := untouchable(t, dir)
		// run wants an exit code, if one is named.
		run := func(args string, keys []string, want string) {
			t.Run(name+" "+args+" "+strings.Join(keys, " "), func(t *testing.T) {
				args := strings.NewReplacer("DIR", dir, "OTHER", other, "DATA", data).Replace(args)
				cmd := exec.Command(walfs, append(strings.Fields(args), keys...)...)
				out, _ := cmd.CombinedOutput()
				if code := fmt.Sprint(cmd.ProcessState.ExitCode()); want != "" && code != want || len(out) == 0 {
					t.Errorf("exit code %s, want %s: %.300s", code, want, out)
				}
				before.check(t)
			})
		}
		for _, test := range []struct{ args, code string }{
			{"ls DIR", "0"},
			{"ls DIR entries", "0"},
			{"ls -l DIR", "0"},
			{"ls -l DIR entries", "0"},
			{"ls -l DIR native", "0"},
			{"ls -l DIR decoded", "0"},
			{"cat DIR README status.json meta/raft_id native/wal.meta entries/42 decoded/42.json", "0"},
			{"cat DIR native/00001.wal", "0"},
			{"cat DIR entries/99999", "1"},
			{"stat DIR", "0"},
			{"stat --json DIR", "0"},
			{"dump DIR", "0"},
			{"dump --format json --decode DIR", "0"},
			{"dump --format raw DIR", "0"},
			{"dump --follow --to 5 DIR", "0"},
			{"diff DIR OTHER", "0"},
			{"diff --json OTHER DIR", "0"},
			{"set DIR raft_id=9 hard_state.vote=3 --dry-run", "0"},
			{"truncate DIR --until 9 --dry-run", "0"},
			{fmt.Sprintf("rewind DIR --to %d --dry-run", last), "0"},
			{"rewind DIR --to 1 --dry-run", "1"}, // committed
			{fmt.Sprintf("snapshot DIR --index %d --data DATA --voters 1 --dry-run", last), "0"},
			{"append DIR --dry-run", "0"},
			{"create DIR --dry-run", "1"}, // there is a log
		} {
			run(test.args, keys, test.code)
		}
		if keys != nil {
			for _, args := range []string{"ls DIR entries", "cat DIR entries/42", "stat DIR", "dump DIR",
				"dump --follow --to 5 DIR", "diff DIR OTHER", "rewind DIR --to 1 --dry-run"} {
				run(args, []string{"--key-file", wrong}, "4")
				run(args, nil, "")
			}
		}
		t.Run(name+" mount", func(t *testing.T) {
			m := mount(t, dir, t.TempDir(), keys...)
			before.check(t)
			for path, f := range walk(t, m.at, ".") {
				if len(f.sum) != 2*sha256.Size && path != "snapshots/latest" {
					t.Errorf("%s: %s", path, f.sum)
				}
			}
			before.check(t)
			m.stop()
			before.check(t)
		})
		if keys != nil {
			t.Run(name+" mount with a wrong key", func(t *testing.T) {
				cmd := exec.Command(walfs, "mount", dir, t.TempDir(), "--key-file", wrong)
				if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 4 {
					t.Errorf("exit code %d, %s", cmd.ProcessState.ExitCode(), out)
				}
				before.check(t)
			})
		}
	}
}
