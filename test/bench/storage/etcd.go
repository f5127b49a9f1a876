package storage

import (
	"path/filepath"

	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
)

// etcd's log is only appended to: etcd reads all of it when it starts and works
// on a raft.MemoryStorage from then on. So it has no Term, and its entries are
// read by opening it.
//
// Save flushes once (fdatasync) if there are entries or if term or vote change,
// as raft.MustSync says. The hard state of each call becomes a record of its
// own, and every record has a rolling CRC. Files of 64 MB are preallocated, the
// next one in the background.
type etcd struct {
	w       *wal.WAL
	entries []*raftpb.Entry // what opening has read
}

func openEtcdSync(dir string) (log, error) { return openEtcd(dir, true) }

// NoSync is etcd's --unsafe-no-fsync: Save returns when the kernel has the
// records.
func openEtcdNoSync(dir string) (log, error) { return openEtcd(dir, false) }

func openEtcd(dir string, sync bool) (log, error) {
	dir = filepath.Join(dir, "wal") // Create makes it
	l := &etcd{}
	var err error
	if wal.Exist(dir) {
		if l.w, err = wal.Open(nil, dir, &walpb.Snapshot{}); err != nil {
			return nil, err
		}
		// Nothing can be appended before everything is read.
		if _, _, l.entries, err = l.w.ReadAll(); err != nil {
			l.w.Close()
			return nil, err
		}
	} else if l.w, err = wal.Create(nil, dir, nil); err != nil {
		return nil, err
	}
	if !sync {
		l.w.SetUnsafeNoFsync()
	}
	return l, nil
}

func (l *etcd) batch(n, size int) (func(uint64) error, error) {
	entries, number := raftEntries(n, size)
	return func(first uint64) error {
		number(first)
		return l.w.Save(hardState(first-1), entries)
	}, nil
}

func (l *etcd) read(lo, hi uint64, visit func(uint64, []byte)) error {
	for _, e := range l.entries {
		if e.GetIndex() >= lo && e.GetIndex() < hi {
			visit(e.GetIndex(), e.GetData())
		}
	}
	return nil
}

func (l *etcd) term(uint64) (uint64, error) { return 0, errNotOffered }

func (l *etcd) close() error { return l.w.Close() }
