//go:build unix

package dgraph

import (
	"io/fs"
	"os"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/format"
)

// countedDirectory counts how often the beginnings of its files are read.
type countedDirectory struct {
	path   string
	tables map[string]int
}

func (d *countedDirectory) List() ([]fs.DirEntry, error) { return os.ReadDir(d.path) }

func (d *countedDirectory) Open(name string) (File, error) {
	f, err := os.Open(d.path + "/" + name)
	return &countedFile{f, d, name}, err
}

type countedFile struct {
	*os.File
	dir  *countedDirectory
	name string
}

func (f *countedFile) ReadAt(p []byte, off int64) (int, error) {
	if off == 0 && len(p) == format.SlotTableSize {
		f.dir.tables[f.name]++
	}
	return f.File.ReadAt(p, off)
}

func (f *countedFile) Size() (int64, error) {
	st, err := f.Stat()
	return st.Size(), err
}

// TestReadOnce: a directory that a writer has for itself gives what it gives to anyone,
// and each slot table is read once, that of a half-written file, too.
func TestReadOnce(t *testing.T) {
	for _, halfWritten := range []bool{false, true} {
		d := damage(t, "alpha")
		if halfWritten {
			d.Set(974, fixture.Offset, 0)
		}
		dir := &countedDirectory{d.dir, map[string]int{}}
		alone, err := ReadDirectory(dir, d.dir, d.opts)
		fixture.Must(t, err)
		want, got := d.open(), outcomeOf(alone)
		if got.less(t, outcomeOf(want)) || len(got.problems) != len(want.Problems()) {
			t.Errorf("half written %t: less than a reader of its own shows: %v", halfWritten, got.problems)
		}
		if n := dir.tables["00001.wal"]; n != 1 {
			t.Errorf("half written %t: the slot table was read %d times", halfWritten, n)
		}
		if _, err := alone.Refresh(); err == nil {
			t.Error("it was refreshed")
		}
	}
}
