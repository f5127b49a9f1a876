//go:build linux

package walcore

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"golang.org/x/sys/unix"
)

// names lists a directory and what is directly in it, without a trace.
func names(t *testing.T, dir string) []string {
	t.Helper()
	f := openNoatime(t, dir)
	defer f.Close()
	below, err := f.Readdirnames(-1)
	must(t, err)
	slices.Sort(below)
	paths := []string{dir}
	for _, name := range below {
		paths = append(paths, filepath.Join(dir, name))
	}
	return paths
}

func openNoatime(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOATIME, 0)
	must(t, err)
	return f
}

// state is all that stat tells of a directory and its files, and a sum of what
// each holds, as text.
func state(t *testing.T, dir string) string {
	t.Helper()
	text := ""
	for _, path := range names(t, dir) {
		var st unix.Stat_t
		must(t, unix.Lstat(path, &st))
		text += fmt.Sprintf("%s %+v", path, st)
		if st.Mode&unix.S_IFMT == unix.S_IFREG {
			text += fmt.Sprintf(" %x", sum(t, path))
		}
		text += "\n"
	}
	return text
}

func sum(t *testing.T, path string) []byte {
	t.Helper()
	f := openNoatime(t, path)
	defer f.Close()
	h := sha256.New()
	// What a log file of a fixture holds is in its first MiBs.
	_, err := io.Copy(h, io.LimitReader(f, 2<<20))
	must(t, err)
	return h.Sum(nil)
}

// age sets all times back, so that the next access would leave a trace even
// where the file system updates access times once a day.
func age(t *testing.T, dir string) {
	t.Helper()
	old := unix.NsecToTimespec(time.Now().Add(-400 * 24 * time.Hour).UnixNano())
	for _, path := range names(t, dir) {
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{old, old}, unix.AT_SYMLINK_NOFOLLOW))
	}
}

func readEverything(t *testing.T, dir string, opts ReaderOptions) {
	t.Helper()
	r, err := OpenReader(dir, opts)
	if err != nil {
		return // a directory that does not open is not to be touched either
	}
	for e := range r.Log().Entries(0) {
		_, _ = e.Data()
	}
	r.Problems()
	r.FirstIndex()
	r.LastIndex()
	for _, n := range r.Native() {
		_, _ = io.Copy(io.Discard, io.NewSectionReader(n, 0, min(n.Attr.Size, 2<<20)))
	}
	must(t, r.Close())
}

func TestReaderTouchesNothing(t *testing.T) {
	for _, name := range []string{"alpha", "sealed128", "bigsnap", "empty"} {
		for _, test := range []struct {
			name   string
			damage func(d *damaged)
		}{
			{"sound", func(*damaged) {}},
			{"wrong key", func(d *damaged) { d.opts.Key = []byte("fedcba9876543210") }},
			{"bad slots", func(d *damaged) { d.Set(5, fixture.Offset, 0) }},
			{"no log file", func(d *damaged) { d.rename("00001.wal", "1.wal") }},
			{"no wal.meta", func(d *damaged) { d.rename("wal.meta", "meta") }},
			{"empty log file", func(d *damaged) { d.Truncate(0) }},
			{"odd files", func(d *damaged) {
				must(t, syscall.Mkfifo(d.path("00009.wal"), 0o600))
				must(t, os.Symlink("00001.wal", d.path("00010.wal")))
				must(t, os.Mkdir(d.path("00011.wal"), 0o700))
			}},
		} {
			t.Run(name+", "+test.name, func(t *testing.T) {
				t.Parallel()
				d := damage(t, name)
				test.damage(d)
				age(t, d.dir)
				before := state(t, d.dir)
				readEverything(t, d.dir, d.opts)
				if after := state(t, d.dir); after != before {
					t.Errorf("the directory has changed:\nbefore\n%s\nafter\n%s", before, after)
				}
			})
		}
	}
}

func TestKeyFileIsNotTouched(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "key")
	mustWrite(t, name, []byte("0123456789abcdef"))
	age(t, dir)
	before := state(t, dir)
	_, err := ReadKeyFile(name)
	must(t, err)
	if after := state(t, dir); after != before {
		t.Errorf("the key file has changed:\nbefore\n%s\nafter\n%s", before, after)
	}
}

// TestNoDescriptorIsLeftOpen cannot run beside other tests.
func TestNoDescriptorIsLeftOpen(t *testing.T) {
	sealed, alpha := damage(t, "sealed128"), damage(t, "alpha")
	alpha.Truncate(100)
	must(t, syscall.Mkfifo(alpha.path("00009.wal"), 0o600))
	readEverything(t, sealed.dir, sealed.opts) // what the runtime opens once
	before := descriptors(t)
	for range 10 {
		readEverything(t, sealed.dir, sealed.opts)
		readEverything(t, sealed.dir, ReaderOptions{})
		readEverything(t, sealed.dir, ReaderOptions{Key: []byte("fedcba9876543210")})
		readEverything(t, alpha.dir, ReaderOptions{})
		readEverything(t, t.TempDir(), ReaderOptions{})
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(fds)
}

// TestNoTemporaryFileIsLeft: Badger reads a copy of the registry.
func TestNoTemporaryFileIsLeft(t *testing.T) {
	d := damage(t, "sealed128")
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	readEverything(t, d.dir, d.opts)
	readEverything(t, d.dir, ReaderOptions{Key: []byte("fedcba9876543210")})
	left, err := os.ReadDir(tmp)
	must(t, err)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
