package storage

import (
	"io"
	"log/slog"
	"math"

	"github.com/walfs/walfs/walcore/storage"
)

// walfs is used as a program with a raft.Node uses it: as Raft's own Storage, and Save
// with the entries and the hard state of each Ready. Each Save is flushed by itself.
type walfs struct{ s *storage.DiskStorage }

// SyncAlways: Save returns when first payloads, then slots are flushed: two flushes.
// The commit index alone is written and not flushed.
func openWalfsAlways(dir string) (log, error) {
	return openWalfs(dir, storage.Options{Sync: storage.SyncAlways})
}

// SyncAlways with Checksums: one flush for payloads and slots.
func openWalfsSums(dir string) (log, error) {
	return openWalfs(dir, storage.Options{Sync: storage.SyncAlways, Checksums: true})
}

// SyncManual: Save returns when everything is written to the kernel.
func openWalfsManual(dir string) (log, error) {
	return openWalfs(dir, storage.Options{Sync: storage.SyncManual})
}

func openWalfs(dir string, opts storage.Options) (log, error) {
	opts.Create = true
	opts.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := storage.Open(dir, opts)
	if err != nil {
		return nil, err
	}
	return &walfs{s}, nil
}

func (l *walfs) batch(n, size int) (func(uint64) error, error) {
	entries, number := raftEntries(n, size)
	return func(first uint64) error {
		number(first)
		return l.s.Save(hardState(first-1), entries, nil)
	}, nil
}

func (l *walfs) read(lo, hi uint64, visit func(uint64, []byte)) error {
	entries, err := l.s.Entries(lo, hi, math.MaxUint64)
	for _, e := range entries {
		visit(e.GetIndex(), e.GetData())
	}
	return err
}

func (l *walfs) term(index uint64) (uint64, error) { return l.s.Term(index) }

func (l *walfs) close() error { return l.s.Close() }
