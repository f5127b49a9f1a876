package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

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

// TestNothingIsTouched runs every command on a directory.
func TestNothingIsTouched(t *testing.T) {
	for _, name := range []string{"alpha", "bigsnap", "sealed128"} {
		dir := fixture.Dir(t, name)
		keys := keyArgs(t, name)
		before := untouchable(t, dir)
		for _, test := range []struct {
			command string
			args    []string
		}{
			{"ls", []string{dir}},
			{"ls", []string{dir, "entries"}},
			{"ls", []string{"-l", dir}},
			{"ls", []string{"-l", dir, "entries"}},
			{"ls", []string{"-l", dir, "native"}},
			{"cat", []string{dir, "README", "status.json", "meta/raft_id", "native/wal.meta", "entries/42"}},
			{"cat", []string{dir, "native/00001.wal"}},
			{"stat", []string{dir}},
			{"stat", []string{"--json", dir}},
		} {
			t.Run(name+" "+test.command, func(t *testing.T) {
				args := append(append([]string{walfs, test.command}, test.args...), keys...)
				if out := sh(t, `"$@" | wc -c`, args...); out == "0\n" {
					t.Error("it printed nothing")
				}
				before.check(t)
			})
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
	}
}
