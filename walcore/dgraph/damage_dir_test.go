//go:build linux

package dgraph

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

func TestNoDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	fixture.WriteFile(t, file, []byte("text"))
	fifo := filepath.Join(t.TempDir(), "fifo")
	fixture.Must(t, syscall.Mkfifo(fifo, 0o600))
	for _, test := range []struct {
		path string
		want error
	}{
		{filepath.Join(t.TempDir(), "none"), fs.ErrNotExist},
		{file, syscall.ENOTDIR},
		{filepath.Join(file, "below"), syscall.ENOTDIR},
		{fifo, syscall.ENOTDIR},
		{"", fs.ErrNotExist},
		{t.TempDir(), walcore.ErrNotRaftDir},
	} {
		r, err := OpenReader(test.path, ReaderOptions{})
		if r != nil || !errors.Is(err, test.want) {
			t.Errorf("%q: got %v, want %v", test.path, err, test.want)
		} else if !strings.Contains(err.Error(), test.path) {
			t.Errorf("%q: %q does not say where", test.path, err)
		}
	}
}

func TestNotARaftDirectory(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"KEYREGISTRY", "7.wal", "000001.wal", "wal.meta.bak", "00001.wal.tmp"} {
		fixture.WriteFile(t, filepath.Join(dir, name), make([]byte, 100))
	}
	if _, err := OpenReader(dir, ReaderOptions{}); !errors.Is(err, walcore.ErrNotRaftDir) {
		t.Errorf("got %v, want %v", err, walcore.ErrNotRaftDir)
	}
}

func TestOtherNamesAreIgnoredAndNamed(t *testing.T) {
	for _, name := range []string{"alpha", "sealed128"} {
		d := damage(t, name)
		log := fixture.ReadFile(t, d.path("wal.meta")) // anything that is no log
		plain := []string{"7.wal", "old.wal", "000001.wal", "00000.wal", "00001.WAL", "00001.wal~", "1e005.wal", "-0001.wal",
			"0000000000000001.wal", "99999999999999999.wal", "wal.meta.old", "LOCK", ".hidden"}
		for _, n := range plain {
			fixture.WriteFile(t, d.path(n), log)
		}
		fixture.Must(t, os.Mkdir(d.path("sub"), 0o700))
		fixture.WriteFile(t, d.path("sub/00042.wal"), log)
		fixture.Must(t, os.Mkdir(d.path("00009.wal"), 0o700))
		fixture.WriteFile(t, d.path("00009.wal/00001.wal"), log)
		fixture.Must(t, os.Symlink("00001.wal", d.path("00010.wal")))
		fixture.Must(t, os.Symlink("nowhere", d.path("00011.wal")))
		fixture.Must(t, os.Symlink("/dev/zero", d.path("00012.wal")))
		fixture.Must(t, syscall.Mkfifo(d.path("00013.wal"), 0o600))
		odd := []string{"00009.wal", "00010.wal", "00011.wal", "00012.wal", "00013.wal"}
		for _, n := range odd {
			d.problem(n, walcore.KindNotAFile, -1, 1, 0, 0)
		}
		r := d.check()
		want := slices.Concat(plain, odd, []string{"sub"})
		slices.Sort(want)
		if !slices.Equal(r.ignored, want) {
			t.Errorf("ignored: got %v, want %v", r.ignored, want)
		}
	}
}

// TestOddMetaAndRegistry: a link or folder in their place is left alone, and
// the entries that need neither can be read.
func TestOddMetaAndRegistry(t *testing.T) {
	for _, test := range []struct {
		name string
		put  func(name string) error
	}{
		{"folder", func(name string) error { return os.Mkdir(name, 0o700) }},
		{"link", func(name string) error { return os.Symlink("00001.wal", name) }},
		{"pipe", func(name string) error { return syscall.Mkfifo(name, 0o600) }},
	} {
		d := damage(t, "alpha")
		fixture.Must(t, os.Remove(d.path(format.MetaName)))
		fixture.Must(t, test.put(d.path(format.MetaName)))
		d.problem(format.MetaName, walcore.KindNotAFile, -1, 1, 0, 0)
		d.check()

		for _, name := range []string{"alpha", "sealed128"} {
			d = damage(t, name)
			os.Remove(d.path(format.KeyRegistryName))
			fixture.Must(t, test.put(d.path(format.KeyRegistryName)))
			d.problem(format.KeyRegistryName, walcore.KindNotAFile, -1, 1, 0, 0)
			kind := walcore.KindDataKey
			if name == "alpha" { // plain, if nothing were known of a registry
				kind = walcore.KindKeyErased
			}
			d.problem("00001.wal", kind, -1, 1, format.KeyHeaderAt, 0)
			d.losePayloads(walcore.ErrDataKey)
			d.check()
		}
	}
}

// asNobody runs fn on a thread that accesses files as a user without rights.
func asNobody(t *testing.T, fn func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		fn()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fixture.Must(t, syscall.Setfsuid(65534))
	defer syscall.Setfsuid(0)
	fn()
}

// forAll lets every user read a fixture.
func (d *damaged) forAll() {
	d.t.Helper()
	above := filepath.Dir(d.dir)
	for _, dir := range []string{filepath.Dir(above), above, d.dir} {
		fixture.Must(d.t, os.Chmod(dir, 0o755))
	}
	files, err := os.ReadDir(d.dir)
	fixture.Must(d.t, err)
	for _, f := range files {
		fixture.Must(d.t, os.Chmod(d.path(f.Name()), 0o644))
	}
}

func TestNoPermission(t *testing.T) {
	for _, test := range []struct {
		name, fixture, file string
		expect              func(d *damaged)
	}{
		{"all may be read", "alpha", "", func(*damaged) {}},
		{"encrypted, all may be read", "sealed128", "", func(*damaged) {}},
		{"a log file", "alpha", "00002.wal", func(d *damaged) {
			d.problem("00002.wal", walcore.KindUnreadable, -1, 1, 0, 0)
			d.problem("00003.wal", walcore.KindHole, 0, 1, 0, 401)
			d.lose(walcore.ErrDamaged, 401, 700)
		}},
		{"the first log file", "alpha", "00001.wal", func(d *damaged) {
			d.problem("00001.wal", walcore.KindUnreadable, -1, 1, 0, 0)
			d.lose(walcore.ErrDamaged, 1, 400)
		}},
		{"the last log file", "alpha", "00003.wal", func(d *damaged) {
			d.problem("00003.wal", walcore.KindUnreadable, -1, 1, 0, 0)
			d.lose(walcore.ErrDamaged, 701, 975)
		}},
		{"wal.meta", "alpha", format.MetaName, func(d *damaged) { d.problem(format.MetaName, walcore.KindUnreadable, -1, 1, 0, 0) }},
		{"KEYREGISTRY", "sealed128", format.KeyRegistryName, func(d *damaged) {
			d.problem(format.KeyRegistryName, walcore.KindUnreadable, -1, 1, 0, 0)
			for _, f := range []string{"00001.wal", "00002.wal", "00003.wal"} {
				d.problem(f, walcore.KindDataKey, -1, 1, format.KeyHeaderAt, 0)
			}
			d.losePayloads(walcore.ErrDataKey)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := damage(t, test.fixture)
			from := 700
			if test.fixture != "alpha" {
				from = 600
			}
			d.Split(from, d.path("00003.wal"))
			d.Split(400, d.path("00002.wal"))
			d.forAll()
			if test.file != "" {
				fixture.Must(t, os.Chmod(d.path(test.file), 0))
			}
			test.expect(d)
			asNobody(t, func() { d.check() })
		})
	}
}

func TestDirectoryWithoutPermission(t *testing.T) {
	d := damage(t, "alpha")
	d.forAll()
	fixture.Must(t, os.Chmod(d.dir, 0o111))
	asNobody(t, func() {
		if _, err := OpenReader(d.dir, ReaderOptions{}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("got %v, want %v", err, fs.ErrPermission)
		}
	})
	fixture.Must(t, os.Chmod(d.dir, 0o700))
}

// TestOnlyLogFileWithoutPermission gives the one file of a log no rights: the
// directory opens, and says why there are no entries.
func TestOnlyLogFileWithoutPermission(t *testing.T) {
	d := damage(t, "alpha")
	d.forAll()
	fixture.Must(t, os.Chmod(d.path("00001.wal"), 0))
	d.problem("00001.wal", walcore.KindUnreadable, -1, 1, 0, 0)
	d.lose(walcore.ErrDamaged, 1, 975)
	asNobody(t, func() { d.check() })
}
