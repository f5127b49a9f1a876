package storage

import (
	"errors"
	"io"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	raftwal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"
)

// hashicorp is a raft.LogStore of HashiCorp's Raft: StoreLogs and GetLog, with
// entries of that Raft's type. It keeps the commit index nowhere, and term and
// vote in a StableStore that is written at elections only: so there is no hard
// state in an append. A term is read with its entry.
type hashicorp struct {
	raft.LogStore
	closers []io.Closer
}

// raft-wal: StoreLogs returns after one write and one fsync of the segment, a
// preallocated file of 64 MiB; each batch ends with a CRC. There is no way to
// go without the fsync.
func openRaftWAL(dir string) (log, error) {
	// Close leaves the log's own metadata store open, and locked: v0.4.0 can
	// be opened again in the same process only if the caller closes that one.
	meta := &metadb.BoltMetaDB{}
	w, err := raftwal.Open(dir, raftwal.WithLogger(hclog.NewNullLogger()), raftwal.WithMetaStore(meta))
	if err != nil {
		return nil, err
	}
	return &hashicorp{w, []io.Closer{w, meta}}, nil
}

// bolt: StoreLogs is one transaction of bbolt, a B+ tree: changed pages, flush,
// a meta page, flush. Only the meta page has a checksum.
func openBoltSync(dir string) (log, error) { return openBolt(dir, true) }

// NoSync leaves both flushes out.
func openBoltNoSync(dir string) (log, error) { return openBolt(dir, false) }

func openBolt(dir string, sync bool) (log, error) {
	s, err := raftboltdb.New(raftboltdb.Options{Path: filepath.Join(dir, "raft.db"), NoSync: !sync})
	if err != nil {
		return nil, err
	}
	return &hashicorp{s, []io.Closer{s}}, nil
}

func (l *hashicorp) batch(n, size int) (func(uint64) error, error) {
	var logs []*raft.Log
	for range n {
		data := make([]byte, size)
		payload(data, 0)
		// The leader sets the time.
		logs = append(logs, &raft.Log{Term: term, Type: raft.LogCommand, Data: data, AppendedAt: time.Now()})
	}
	return func(first uint64) error {
		for i, e := range logs {
			e.Index = first + uint64(i)
			stamp(e.Data, e.Index)
		}
		return l.StoreLogs(logs)
	}, nil
}

func (l *hashicorp) read(lo, hi uint64, visit func(uint64, []byte)) error {
	for i := lo; i < hi; i++ {
		var e raft.Log
		if err := l.GetLog(i, &e); err != nil {
			return err
		}
		visit(e.Index, e.Data)
	}
	return nil
}

func (l *hashicorp) term(index uint64) (uint64, error) {
	var e raft.Log
	err := l.GetLog(index, &e)
	return e.Term, err
}

func (l *hashicorp) close() error {
	var errs []error
	for _, c := range l.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
