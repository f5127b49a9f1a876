package storage

import (
	"path/filepath"

	"github.com/tidwall/wal"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// tidwall/wal keeps byte slices by index, without checksums; its users encode
// their entries. There is no place for a hard state: a node keeps it elsewhere.
//
// Write and WriteBatch are one write and one fsync of a file that grows with
// it, 20 MB each.
type tidwall struct{ l *wal.Log }

func openTidwallSync(dir string) (log, error) { return openTidwall(dir, true) }

// NoSync leaves the fsync out.
func openTidwallNoSync(dir string) (log, error) { return openTidwall(dir, false) }

func openTidwall(dir string, sync bool) (log, error) {
	opts := *wal.DefaultOptions
	opts.NoSync = !sync
	l, err := wal.Open(filepath.Join(dir, "log"), &opts)
	if err != nil {
		return nil, err
	}
	return &tidwall{l}, nil
}

func (l *tidwall) batch(n, size int) (func(uint64) error, error) {
	entries, number := raftEntries(n, size)
	var b wal.Batch
	var buf []byte
	return func(first uint64) (err error) {
		number(first)
		for _, e := range entries {
			if buf, err = (proto.MarshalOptions{}).MarshalAppend(buf[:0], e); err != nil {
				return err
			}
			if n == 1 {
				return l.l.Write(first, buf)
			}
			b.Write(e.GetIndex(), buf)
		}
		return l.l.WriteBatch(&b) // which empties b
	}, nil
}

func (l *tidwall) read(lo, hi uint64, visit func(uint64, []byte)) error {
	for i := lo; i < hi; i++ {
		e, err := l.entry(i)
		if err != nil {
			return err
		}
		visit(e.GetIndex(), e.GetData())
	}
	return nil
}

func (l *tidwall) entry(index uint64) (*raftpb.Entry, error) {
	b, err := l.l.Read(index)
	if err != nil {
		return nil, err
	}
	e := &raftpb.Entry{}
	return e, proto.Unmarshal(b, e)
}

func (l *tidwall) term(index uint64) (uint64, error) {
	e, err := l.entry(index)
	return e.GetTerm(), err
}

func (l *tidwall) close() error { return l.l.Close() }
