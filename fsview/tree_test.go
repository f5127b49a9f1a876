package fsview

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

func open(t *testing.T, name string) (*Tree, string) {
	t.Helper()
	dir := fixture.Dir(t, name)
	r, err := walcore.OpenReader(dir, walcore.ReaderOptions{Key: fixture.Key(name)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return New(r, nil), dir
}

// TestIsAnIOFS leaves out native/: TestFS reads each file byte by byte, and a
// log file has 256 MiB.
func TestIsAnIOFS(t *testing.T) {
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
