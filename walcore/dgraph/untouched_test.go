//go:build linux

package dgraph

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

func readEverything(t *testing.T, dir string, opts ReaderOptions) {
	t.Helper()
	r, err := OpenReader(dir, opts)
	if err != nil {
		return // a directory that does not open is not to be touched either
	}
	for e := range r.Entries(0) {
		_, _ = e.Data()
	}
	r.Problems()
	r.FirstIndex()
	r.LastIndex()
	for _, n := range r.Native() {
		_, _ = io.Copy(io.Discard, io.NewSectionReader(n, 0, min(n.Attr.Size, 2<<20)))
	}
	fixture.Must(t, r.Close())
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
				fixture.Must(t, syscall.Mkfifo(d.path("00009.wal"), 0o600))
				fixture.Must(t, os.Symlink("00001.wal", d.path("00010.wal")))
				fixture.Must(t, os.Mkdir(d.path("00011.wal"), 0o700))
			}},
		} {
			t.Run(name+", "+test.name, func(t *testing.T) {
				t.Parallel()
				d := damage(t, name)
				test.damage(d)
				fixture.Age(t, d.dir)
				before := fixture.State(t, d.dir)
				readEverything(t, d.dir, d.opts)
				if after := fixture.State(t, d.dir); after != before {
					t.Errorf("the directory has changed:\nbefore\n%s\nafter\n%s", before, after)
				}
			})
		}
	}
}

func TestKeyFileIsNotTouched(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "key")
	fixture.WriteFile(t, name, []byte("0123456789abcdef"))
	fixture.Age(t, dir)
	before := fixture.State(t, dir)
	_, err := ReadKeyFile(name)
	fixture.Must(t, err)
	if after := fixture.State(t, dir); after != before {
		t.Errorf("the key file has changed:\nbefore\n%s\nafter\n%s", before, after)
	}
}

// TestNoDescriptorIsLeftOpen cannot run beside other tests.
func TestNoDescriptorIsLeftOpen(t *testing.T) {
	encrypted, alpha := damage(t, "sealed128"), damage(t, "alpha")
	alpha.Truncate(100)
	fixture.Must(t, syscall.Mkfifo(alpha.path("00009.wal"), 0o600))
	readEverything(t, encrypted.dir, encrypted.opts) // what the runtime opens once
	before := descriptors(t)
	for range 10 {
		readEverything(t, encrypted.dir, encrypted.opts)
		readEverything(t, encrypted.dir, ReaderOptions{})
		readEverything(t, encrypted.dir, ReaderOptions{Key: []byte("fedcba9876543210")})
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
	fixture.Must(t, err)
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
	fixture.Must(t, err)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
