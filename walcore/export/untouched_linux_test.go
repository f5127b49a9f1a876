package export_test

import (
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/export"
)

// TestUntouched: the directory is only read.
func TestUntouched(t *testing.T) {
	fixture.NotForRace(t)
	dir := fixture.ShortDir(t, "alpha")
	fixture.Age(t, dir)
	before := fixture.State(t, dir)
	log, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	fixture.Must(t, err)
	exportTo(t, log, t.TempDir(), export.Parquet)
	fixture.Must(t, log.Close())
	if after := fixture.State(t, dir); after != before {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
}
