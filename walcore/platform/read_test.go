package platform

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/walfs/walfs/walcore"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write makes a file and opens it; it is closed at the end of the test.
func write(t testing.TB, name, text string) *os.File {
	t.Helper()
	must(t, os.WriteFile(name, []byte(text), 0o640))
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func openDir(t testing.TB, path string) *os.File {
	t.Helper()
	dir, err := OpenDir(path)
	must(t, err)
	t.Cleanup(func() { dir.Close() })
	return dir
}

func TestOpenReads(t *testing.T) {
	tmp := t.TempDir()
	name := filepath.Join(tmp, "a")
	write(t, name, "hello")
	dir := openDir(t, tmp)
	for what, open := range map[string]func() (*os.File, error){
		"Open":   func() (*os.File, error) { return Open(name) },
		"OpenIn": func() (*os.File, error) { return OpenIn(dir, "a") },
	} {
		f, err := open()
		must(t, err)
		b := make([]byte, 9)
		if n, _ := f.ReadAt(b, 1); string(b[:n]) != "ello" {
			t.Errorf("%s: read %q", what, b[:n])
		}
		if _, err := f.WriteAt([]byte("x"), 0); err == nil {
			t.Errorf("%s: the file can be written to", what)
		}
		must(t, f.Close())
	}
}

// A directory can be listed many times; each time new files are in the list.
func TestList(t *testing.T) {
	tmp := t.TempDir()
	dir := openDir(t, tmp)
	for n, name := range []string{"a", "b", "c"} {
		write(t, filepath.Join(tmp, name), "")
		list, err := List(dir)
		must(t, err)
		if len(list) != n+1 || !list[0].Type().IsRegular() {
			t.Errorf("listed %v, want %d files", list, n+1)
		}
	}
}

// Errors have the path as the caller wrote it, and say what is wrong.
func TestOpenFails(t *testing.T) {
	tmp := t.TempDir()
	file, missing := filepath.Join(tmp, "file"), filepath.Join(tmp, "missing")
	write(t, file, "")
	dir := openDir(t, tmp)
	stat := func(call func() (walcore.Attr, error)) func() (*os.File, error) {
		return func() (*os.File, error) { _, err := call(); return nil, err }
	}
	for _, test := range []struct {
		name string
		open func() (*os.File, error)
		path string
		want error
	}{
		{"no file", func() (*os.File, error) { return Open(missing) }, missing, fs.ErrNotExist},
		{"no directory", func() (*os.File, error) { return OpenDir(missing) }, missing, fs.ErrNotExist},
		{"empty path", func() (*os.File, error) { return OpenDir("") }, "", fs.ErrNotExist},
		{"a file", func() (*os.File, error) { return OpenDir(file) }, file, syscall.ENOTDIR},
		{"no file in it", func() (*os.File, error) { return OpenIn(dir, "missing") }, missing, fs.ErrNotExist},
		{"no path", stat(func() (walcore.Attr, error) { return StatPath(missing) }), missing, fs.ErrNotExist},
		{"no name in it", stat(func() (walcore.Attr, error) { return StatIn(dir, "missing") }), missing, fs.ErrNotExist},
	} {
		f, err := test.open()
		if err == nil {
			f.Close()
		}
		var pe *fs.PathError
		if !errors.Is(err, test.want) || !errors.As(err, &pe) || pe.Path != test.path {
			t.Errorf("%s: %v, want %v of %q", test.name, err, test.want, test.path)
		}
	}
}

func TestStat(t *testing.T) {
	tmp := t.TempDir()
	name := filepath.Join(tmp, "a")
	f := write(t, name, "hello")
	when := time.Now().Add(-time.Hour).Truncate(time.Second)
	must(t, os.Chtimes(name, when, when))
	dir := openDir(t, tmp)
	want, err := os.Stat(name)
	must(t, err)
	a, err := Stat(f)
	must(t, err)
	byPath, err := StatPath(name)
	must(t, err)
	byName, err := StatIn(dir, "a")
	must(t, err)
	if byPath != a || byName != a {
		t.Errorf("Stat %+v\nStatPath %+v\nStatIn %+v", a, byPath, byName)
	}
	if a.Size != 5 || a.Mode != want.Mode() || !a.Regular || !a.Mtime.Equal(when) || a.FileID() == 0 {
		t.Errorf("%+v, want %v", a, want)
	}
	if a.Born.IsZero() || a.Ctime.IsZero() || a.Blocks < 0 || a.Blocks > 1000 {
		t.Errorf("%+v", a)
	}
	folder, err := Stat(dir)
	must(t, err)
	if folder.Regular || folder.Same(a) {
		t.Errorf("the folder is %+v, the file %+v", folder, a)
	}
}

// A file with two names is the same file; a copy is another one.
func TestSame(t *testing.T) {
	tmp := t.TempDir()
	path := func(name string) string { return filepath.Join(tmp, name) }
	attr := func(name string) walcore.Attr {
		t.Helper()
		a, err := StatPath(path(name))
		must(t, err)
		return a
	}
	must(t, os.WriteFile(path("a"), []byte("x"), 0o600))
	must(t, os.WriteFile(path("copy"), []byte("x"), 0o600))
	must(t, os.Link(path("a"), path("link")))
	a := attr("a")
	if !a.Same(attr("link")) || a.FileID() != attr("link").FileID() {
		t.Error("a hard link is not the same file")
	}
	if a.Same(attr("copy")) {
		t.Error("a copy is the same file")
	}
	must(t, os.Rename(path("copy"), path("a")))
	if a.Same(attr("a")) {
		t.Error("what was renamed onto a file is the same file")
	}
	other := a
	if other.Dev++; a.Same(other) {
		t.Error("a file of another file system is the same")
	}
}

// Others can rename and remove a file that is open here.
func TestOpenKeepsNobodyOut(t *testing.T) {
	tmp := t.TempDir()
	must(t, os.WriteFile(filepath.Join(tmp, "a"), []byte("x"), 0o600))
	dir := openDir(t, tmp)
	f, err := OpenIn(dir, "a")
	must(t, err)
	defer f.Close()
	must(t, os.Rename(filepath.Join(tmp, "a"), filepath.Join(tmp, "b")))
	must(t, os.Remove(filepath.Join(tmp, "b")))
	if _, err := f.ReadAt(make([]byte, 1), 0); err != nil {
		t.Error(err)
	}
}

func TestFileSystemIsWritable(t *testing.T) {
	got, err := FileSystemOf(openDir(t, t.TempDir()))
	must(t, err)
	if got != (FileSystem{}) {
		t.Errorf("%+v", got)
	}
}

func TestIsNoSpace(t *testing.T) {
	for err, want := range map[error]bool{
		syscall.ENOSPC: true,
		syscall.EDQUOT: true,
		&fs.PathError{Op: "write", Path: "a", Err: syscall.ENOSPC}: true,
		syscall.EIO:    false,
		fs.ErrNotExist: false,
	} {
		if got := IsNoSpace(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}
