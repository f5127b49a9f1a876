package main

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/export"
	"github.com/walfs/walfs/walcore/payload"
)

// TestExportMemory: export takes hardly more memory for a log that is many times as long, be
// it of many entries or of large ones.
func TestExportMemory(t *testing.T) {
	fixture.NotForRace(t)
	most := func(entries, size int, format string) int {
		dir := filepath.Join(t.TempDir(), "w")
		err := nativelog.Write(dir, nativelog.Meta{Term: 1, Commit: uint64(entries)}, func(yield func(nativelog.Entry) bool) {
			data, random := make([]byte, size), rand.NewChaCha8([32]byte{})
			for i := range entries {
				random.Read(data) // pages of it cannot be made smaller
				if !yield(nativelog.Entry{Term: 1, Index: uint64(i + 1), Data: data}) {
					return
				}
			}
		})
		fixture.Must(t, err)
		r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
		fixture.Must(t, err)
		defer r.Close()
		meter := &heapMeter{every: max(1, entries/10)}
		_, err = export.Log(t.Context(), r, export.Options{Folder: t.TempDir(), Format: format, Failed: func(err error) { t.Error(err) },
			Decoder: payload.NewDgraph(payload.Alpha, payload.Options{}), Progress: func(int64, int64) { meter.measure() }})
		fixture.Must(t, err)
		return meter.most
	}
	short, long := most(40_000, 1000, export.Parquet), most(fixture.Size(80_000, 300_000), 1000, export.Parquet)
	t.Logf("%d bytes for 40,000 entries, %d for more", short, long)
	if long > short+48<<20 {
		t.Errorf("%d bytes in use for 40,000 entries, %d for more", short, long)
	}
	for _, format := range []string{export.Parquet, export.CSV} {
		short, long := most(3, 16<<20, format), most(fixture.Size(9, 40), 16<<20, format)
		t.Logf("%s: %d bytes for 3 entries of 16 MiB, %d for more", format, short, long)
		if long > short+48<<20 {
			t.Errorf("%s: %d bytes in use for 3 entries of 16 MiB, %d for more", format, short, long)
		}
	}
}
