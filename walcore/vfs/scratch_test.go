package vfs

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
)

// twoFiles opens two files with the same content: a plain one, and a scratch file whose
// content on disk is at path.
func twoFiles(t *testing.T, content []byte) (plain, scratch File, path string) {
	t.Helper()
	open := func(openDir func(string) (Dir, error)) (File, string) {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := openDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		f, err := d.Open("f")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f, path
	}
	plain, _ = open(OpenDir)
	scratch, path = open(OpenScratch)
	return plain, scratch, path
}

// TestScratchIsAFile does the same to a file and to a scratch file. Both must read the
// same afterwards, and the scratch file must be unchanged on disk.
func TestScratchIsAFile(t *testing.T) {
	const room = 10 * pageSize
	r := rand.New(rand.NewSource(1))
	base := make([]byte, 5*pageSize+123)
	r.Read(base)
	want, got, path := twoFiles(t, base)

	for step := range 2000 {
		off, n := r.Int63n(room), r.Intn(2*pageSize)
		switch r.Intn(4) {
		case 0:
			for _, f := range []File{got, want} {
				if err := f.Truncate(off); err != nil {
					t.Fatal(err)
				}
			}
		case 1, 2:
			p := make([]byte, n)
			r.Read(p)
			for _, f := range []File{got, want} {
				if _, err := f.WriteAt(p, off); err != nil {
					t.Fatal(err)
				}
			}
		}
		a, b := make([]byte, n), make([]byte, n)
		i, errA := got.ReadAt(a, off)
		j, errB := want.ReadAt(b, off)
		if i != j || errA != errB || !bytes.Equal(a[:i], b[:j]) {
			t.Fatalf("step %d: %d bytes at %d: %d, %v; want %d, %v", step, n, off, i, errA, j, errB)
		}
		checkNextData(t, got, off)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, base) {
		t.Errorf("the file on disk has changed: %v", err)
	}
}

// checkNextData checks that there are only zeros between off and the range that
// NextData gives.
func checkNextData(t *testing.T, f File, off int64) {
	t.Helper()
	size, _ := f.Size()
	from, to, found, err := f.NextData(off)
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		from, to = size, size
	}
	if found && (from < off || to <= from) {
		t.Fatalf("data from %d to %d, asked from %d", from, to, off)
	}
	b := make([]byte, max(0, from-off))
	if _, err := f.ReadAt(b, off); err != nil && len(b) > 0 {
		t.Fatal(err)
	}
	for i, c := range b {
		if c != 0 {
			t.Fatalf("byte %d is %d, but data begin at %d", off+int64(i), c, from)
		}
	}
}

func TestScratchNames(t *testing.T) {
	under := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(under, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := OpenScratch(under)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Create("a"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created over a file: %v", err)
	}
	if err := d.Remove("b"); err != nil {
		t.Error(err)
	}
	if err := d.Remove("b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := d.Open("b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened what was removed: %v", err)
	}
	f, err := d.Create("new")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("other"), 0); err != nil {
		t.Error(err)
	}
	if err := d.Rename("new", "a"); err != nil {
		t.Error(err)
	}
	f, err = d.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "other" {
		t.Errorf("%q, %v", b, err)
	}
	if list, err := d.List(); err != nil || len(list) != 0 {
		t.Errorf("%v, %v: what is left on disk has been renamed over or removed", list, err)
	}
	for _, name := range []string{"a", "b"} {
		if b, err := os.ReadFile(filepath.Join(under, name)); err != nil || string(b) != name {
			t.Errorf("%s on disk: %q, %v", name, b, err)
		}
	}
}
