package main

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/export"
	"github.com/walfs/walfs/walcore/payload"
)

// randomLog is a log of entries with random bytes: pages of them cannot be made smaller.
func randomLog(t *testing.T, entries, size int) walcore.Log {
	dir := filepath.Join(t.TempDir(), "w")
	err := nativelog.Write(dir, nativelog.Meta{Term: 1, Commit: uint64(entries)}, func(yield func(nativelog.Entry) bool) {
		data, random := make([]byte, size), rand.NewChaCha8([32]byte{})
		for i := range entries {
			random.Read(data)
			if !yield(nativelog.Entry{Term: 1, Index: uint64(i + 1), Data: data}) {
				return
			}
		}
	})
	fixture.Must(t, err)
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// TestExportMemory: export takes hardly more memory for a log that is many times as long, be
// it of many entries or of large ones.
func TestExportMemory(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	most := func(log walcore.Log, format string) int {
		meter := &heapMeter{every: max(1, walcore.Count(log)/10)}
		_, err := export.Log(t.Context(), log, export.Options{Folder: t.TempDir(), Format: format, Failed: func(err error) { t.Error(err) },
			Decoder: payload.NewDgraph(payload.Alpha, payload.Options{}), Progress: func(int64, int64) { meter.measure() }})
		fixture.Must(t, err)
		return meter.most
	}
	for _, of := range []struct {
		size, short, long int
		formats           []string
	}{
		{1000, 20_000, 70_000, []string{export.Parquet}},
		{16 << 20, 2, 6, []string{export.Parquet, export.CSV}},
	} {
		short, long := randomLog(t, of.short, of.size), randomLog(t, of.long, of.size)
		for _, format := range of.formats {
			few, more := most(short, format), most(long, format)
			if more > few+48<<20 {
				t.Errorf("%s: %d bytes in use for %d entries of %d bytes, %d for %d", format, few, of.short, of.size, more, of.long)
			}
		}
	}
}
