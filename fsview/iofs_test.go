package fsview

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/dgraph"
)

// open gives the tree of a fixture, and its directory.
func open(t *testing.T, name string) (*Tree, string) {
	t.Helper()
	dir := fixture.Dir(t, name)
	return openDir(t, dir, fixture.Key(name)), dir
}

func openDir(t *testing.T, dir string, key []byte) *Tree {
	t.Helper()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return New(r, nil)
}

// TestIsAnIOFS: each folder is an io/fs file system, but for native/, which is left out:
// TestFS reads each file byte by byte, and a log file has 256 MiB.
func TestIsAnIOFS(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	for _, test := range []struct{ fixture, folder, want string }{
		{"rewritten", "entries", "00000000000000000450"},
		{"rewritten", "terms", "00000000000000000009/00000000000000000450"},
		{"alpha", "types", "conf_change/00000000000000000001"},
		{"sealed128", "files", "00001.wal/00000000000000000042"},
		{"empty", "meta", "hard_state/commit"},
		{"snaponly", "snapshots", "00000000000000000006-00000000000000001000/metadata.json"},
	} {
		t.Run(test.folder, func(t *testing.T) {
			t.Parallel()
			tree, _ := open(t, test.fixture)
			sub, err := fs.Sub(tree, test.folder)
			if err != nil {
				t.Fatal(err)
			}
			if err := fstest.TestFS(sub, test.want); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestTopIsAnIOFS: so is the whole tree of a log with a snapshot, and that of a small one.
func TestTopIsAnIOFS(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	for fixture, want := range map[string][]string{
		"snaponly": {"README", "status.json", "entries", "meta/hard_state/commit", "meta/members",
			"snapshots/00000000000000000006-00000000000000001000/metadata.json", "snapshots/latest"},
		"emptied": {"entries/00000000000000000200", "decoded/00000000000000000200.json", "files/00001.wal/00000000000000000042", "types/normal", "terms"},
	} {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			tree, _ := open(t, fixture)
			if err := fstest.TestFS(withoutNative{tree}, want...); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// withoutNative is a tree without native/.
type withoutNative struct{ *Tree }

func (w withoutNative) Open(name string) (fs.File, error) {
	f, err := w.Tree.Open(name)
	if d, ok := f.(fs.ReadDirFile); ok && name == "." {
		return topFolder{d}, err
	}
	return f, err
}

func (w withoutNative) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := w.Tree.ReadDir(name)
	if name == "." {
		list = slices.DeleteFunc(list, isNative)
	}
	return list, err
}

func isNative(e fs.DirEntry) bool { return e.Name() == "native" }

type topFolder struct{ fs.ReadDirFile }

func (d topFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	list, err := d.ReadDirFile.ReadDir(n)
	k := len(list)
	if list = slices.DeleteFunc(list, isNative); n > 0 && len(list) < k && err == nil {
		more, err := d.ReadDirFile.ReadDir(1)
		if len(list) > 0 && err == io.EOF {
			err = nil
		}
		return append(list, more...), err
	}
	return list, err
}

func TestNativeFilesAreTheDirectorys(t *testing.T) {
	tree, dir := open(t, "sealed128")
	for _, name := range []string{"wal.meta", "KEYREGISTRY"} {
		got, err := fs.ReadFile(tree, "native/"+name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs", name)
		}
	}
}
