package platform

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func accessTime(t *testing.T, path string) time.Time {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Stat(path, &st))
	return time.Unix(st.Atim.Unix())
}

// The access time is so old that a read would change it, even on a file system that
// changes it only once a day.
func TestNoAccessTime(t *testing.T) {
	tmp := t.TempDir()
	name := filepath.Join(tmp, "a")
	write(t, name, "hello")
	old := time.Now().Add(-400 * 24 * time.Hour).Truncate(time.Second)
	must(t, os.Chtimes(name, old, old))
	must(t, os.Chtimes(tmp, old, old))
	dir := openDir(t, tmp)
	_, err := dir.ReadDir(-1)
	must(t, err)
	in, err := OpenIn(dir, "a")
	must(t, err)
	defer in.Close()
	byPath, err := Open(name)
	must(t, err)
	defer byPath.Close()
	for _, f := range []*os.File{in, byPath} {
		_, err := io.ReadAll(f)
		must(t, err)
	}
	for _, path := range []string{tmp, name} {
		if now := accessTime(t, path); !now.Equal(old) {
			t.Errorf("%s was read at %v", path, now)
		}
	}
}

// needRoot leaves out a test that needs more rights than there are; in CI, which has
// them, it fails.
func needRoot(t *testing.T, have bool) {
	t.Helper()
	if have {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("this test needs root, and to mount")
	}
	t.Skip("needs root, and to mount")
}

// Users other than the owner and root may not use O_NOATIME. They can read anyway.
func TestOpenOfAnothersFile(t *testing.T) {
	needRoot(t, os.Geteuid() == 0)
	name := filepath.Join(t.TempDir(), "a")
	write(t, name, "hello")
	must(t, os.Chmod(name, 0o644))
	dir := openDir(t, filepath.Dir(name))
	const nobody = 65534
	type result struct {
		f   *os.File
		err error
	}
	ch := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Setfsuid(nobody); err != nil {
			ch <- result{nil, err}
			return
		}
		if _, err := unix.Openat(int(dir.Fd()), "a", unix.O_RDONLY|unix.O_NOATIME, 0); err != unix.EPERM {
			ch <- result{nil, errors.New("this thread may leave out access times")}
			return
		}
		f, err := OpenIn(dir, "a")
		ch <- result{f, err}
	}()
	r := <-ch
	must(t, r.err)
	must(t, r.f.Close())
}

func TestFileSystemState(t *testing.T) {
	needRoot(t, os.Geteuid() == 0)
	at := t.TempDir()
	err := unix.Mount("walfs-test", at, "tmpfs", 0, "size=64k")
	needRoot(t, !errors.Is(err, unix.EPERM))
	must(t, err)
	defer unix.Unmount(at, unix.MNT_DETACH)
	dir := openDir(t, at)
	want := func(want FileSystem) {
		t.Helper()
		got, err := FileSystemOf(dir)
		must(t, err)
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	want(FileSystem{})
	if err := os.WriteFile(filepath.Join(at, "a"), make([]byte, 100<<10), 0o600); !IsNoSpace(err) {
		t.Fatalf("writing too much: %v", err)
	}
	want(FileSystem{Full: true})
	must(t, unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	want(FileSystem{ReadOnly: true})
}
