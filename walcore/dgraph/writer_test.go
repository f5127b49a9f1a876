package dgraph

import (
	"github.com/walfs/walfs/walcore"
	"go.etcd.io/raft/v3/raftpb"
)

// Writer is a storage.DiskStorage. That package imports this one, so that only tests
// outside of it can import both: writer_external_test.go sets OpenWriter.
type Writer interface {
	Save(hs *raftpb.HardState, entries []*raftpb.Entry, snap *raftpb.Snapshot) error
	SetCheckpoint(index uint64) error
	FirstIndex() (uint64, error)
	LastIndex() (uint64, error)
	Problems() []walcore.Problem
	Close() error
}

// WriterOptions are storage.Options, with SyncManual and without a log.
type WriterOptions struct {
	Key                       []byte
	Create, Checksums, DryRun bool
}

var OpenWriter func(dir string, opts WriterOptions) (Writer, error)
