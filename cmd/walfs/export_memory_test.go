package main

import (
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
			data := make([]byte, size)
			for i := range data {
				data[i] = byte(i*i>>3) | 1
			}
			for i := range entries {
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
	for _, format := range []string{export.Parquet, export.CSV} {
		short, long := most(20_000, 1000, format), most(fixture.Size(60_000, 200_000), 1000, format)
		t.Logf("%s: %d bytes for 20 MB of small entries, %d for more", format, short, long)
		if long > short+48<<20 {
			t.Errorf("%s: %d bytes in use for a log of small entries, %d for a long one", format, short, long)
		}
		short, long = most(3, 16<<20, format), most(fixture.Size(12, 40), 16<<20, format)
		t.Logf("%s: %d bytes for 3 entries of 16 MiB, %d for more", format, short, long)
		if long > short+48<<20 {
			t.Errorf("%s: %d bytes in use for 3 entries of 16 MiB, %d for more", format, short, long)
		}
	}
}
