package status_test

import (
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/platform"
	"github.com/walfs/walfs/walcore/status"
)

// TestDiskBytes: they are what the file system says of each log file, and not its size.
func TestDiskBytes(t *testing.T) {
	files := 0
	for _, name := range fixture.All() {
		dir := fixture.Dir(t, name)
		log, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: fixture.Key(name)})
		fixture.Must(t, err)
		for _, f := range status.New(log).Files {
			files++
			attr, err := platform.StatPath(filepath.Join(dir, f.Name))
			fixture.Must(t, err)
			if f.DiskBytes != attr.Blocks*512 || f.Size != attr.Size {
				t.Errorf("%s/%s: %d bytes, %d on disk, want %d, %d", name, f.Name, f.Size, f.DiskBytes, attr.Size, attr.Blocks*512)
			}
		}
		fixture.Must(t, log.Close())
	}
	if files < 2 {
		t.Errorf("only %d log files", files)
	}
}
