package dgraph_test

import (
	"log/slog"

	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/storage"
)

func init() {
	dgraph.OpenWriter = func(dir string, o dgraph.WriterOptions) (dgraph.Writer, error) {
		s, err := storage.Open(dir, storage.Options{Key: o.Key, Create: o.Create, Checksums: o.Checksums, DryRun: o.DryRun,
			Sync: storage.SyncManual, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}
