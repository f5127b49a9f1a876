package storage

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/vfs"
)

// Files that do not belong to the log are left alone.
func TestForeignFiles(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	fixture.Must(t, create(t, dir, Options{}).Close())
	fixture.Must(t, os.Mkdir(filepath.Join(dir, "backup"), 0o700))
	for _, name := range []string{"backup/00001.wal", "7.wal", "00001.wal.bak", "x00002.wal"} {
		fixture.Must(t, os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600))
	}
	s := reopen(t, dir, Options{})
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 3), nil))
	fixture.Must(t, s.Close())
	for _, name := range []string{"backup/00001.wal", "7.wal", "00001.wal.bak", "x00002.wal"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); string(b) != "mine" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

func TestOneStorageADirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	s := create(t, dir, Options{})
	if _, err := Open(dir, Options{}); !errors.Is(err, walcore.ErrInUse) {
		t.Fatalf("a second Open: %v", err)
	}
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 3), nil))
	fixture.Must(t, s.Close())

	// Somebody is about to make a log here.
	dir = t.TempDir()
	lock, err := lockDir(dir)
	fixture.Must(t, err)
	defer lock.Close()
	if _, err := Open(dir, Options{Create: true}); !errors.Is(err, walcore.ErrInUse) {
		t.Fatalf("with the lock taken: %v", err)
	}
}

func TestOpenMakesNothingUnasked(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "no"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, walcore.ErrNotRaftDir) {
		t.Errorf("an empty directory: %v", err)
	}
	if list, _ := os.ReadDir(dir); len(list) > 0 {
		t.Errorf("it has made %v", list)
	}
}

// What Dgraph has written can be opened, read as Dgraph reads it, and added
// to; what is damaged or cannot be told is refused.
func TestOpenEveryFixture(t *testing.T) {
	for _, name := range fixture.All() {
		t.Run(name, func(t *testing.T) {
			dir := fixture.Dir(t, name)
			want := fixture.ReadManifest(t, name)
			s := reopen(t, dir, Options{Key: fixture.Key(name)})
			first, _ := s.FirstIndex()
			last, _ := s.LastIndex()
			if first != want.Meta.FirstIndex || last != want.Meta.LastIndex || len(s.Problems()) > 0 {
				t.Fatalf("%d to %d, want %d to %d; %v", first, last, want.Meta.FirstIndex, want.Meta.LastIndex, s.Problems())
			}
			term, _ := s.Term(last)
			fixture.Must(t, s.Save(nil, someEntries(term+1, last+1, 3), nil))
			got, err := s.Entries(first, last+4, 1<<40)
			fixture.Must(t, err)
			if len(got) != int(last+4-first) {
				t.Fatalf("%d entries", len(got))
			}
			for _, w := range want.Entries {
				if w.Index < first {
					continue
				}
				e := got[w.Index-first]
				if e.GetTerm() != w.Term || int32(e.GetType()) != w.Type || sha(e.Data) != w.SHA256 {
					t.Fatalf("entry %v, want %+v", e, w)
				}
			}
		})
	}
	if fixture.Has("sealed-erased") {
		if _, err := Open(fixture.Dir(t, "sealed-erased"), Options{Key: fixture.Key("sealed-erased")}); !errors.Is(err, walcore.ErrDataKey) {
			t.Errorf("a key id that was erased: %v", err)
		}
	}
	if _, err := Open(fixture.Dir(t, "sealed128"), Options{}); !errors.Is(err, walcore.ErrNoKey) {
		t.Errorf("no key: %v", err)
	}
	if _, err := Open(fixture.Dir(t, "sealed128"), Options{Key: []byte("not the key that")}); !errors.Is(err, walcore.ErrKey) {
		t.Errorf("another key: %v", err)
	}
}

// syncedDir notes what is in a directory when it is flushed.
type syncedDir struct {
	vfs.Dir
	names []string
}

func (d *syncedDir) Sync() error {
	list, err := d.List()
	for _, e := range list {
		d.names = append(d.names, e.Name())
	}
	return errors.Join(err, d.Dir.Sync())
}

// The name of a new directory is flushed in its parent.
func TestNewDirectoryIsDurable(t *testing.T) {
	base := t.TempDir()
	var parents []string
	parent := &syncedDir{}
	open := func(path string) (d vfs.Dir, err error) {
		parents = append(parents, path)
		parent.Dir, err = vfs.OpenDir(path)
		return parent, err
	}
	for range 2 { // the second time there is nothing to do
		fixture.Must(t, makeDir(filepath.Join(base, "w")+"/", open))
		if !slices.Equal(parents, []string{base}) || !slices.Equal(parent.names, []string{"w"}) {
			t.Fatalf("%v was opened, flushed with %v in it", parents, parent.names)
		}
	}
}
