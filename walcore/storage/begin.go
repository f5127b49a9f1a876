package storage

import (
	"fmt"
	"runtime/trace"

	"github.com/walfs/walfs/walcore"
	"go.etcd.io/raft/v3/raftpb"
)

// Begin stores the first entries of an empty log that has no snapshot, at whatever
// index they begin. It is for copying a log that begins so; Raft makes none. It fails
// with [walcore.ErrRefused] where there is an entry or a snapshot, and for entries that
// are no log.
//
// A crash leaves some of the entries, from the first one on.
func (s *DiskStorage) Begin(entries []*raftpb.Entry) error {
	defer trace.StartRegion(s.ctx, "walcore.Begin").End()
	if err := s.beginWrite(); err != nil {
		return err
	}
	defer s.write.Unlock()
	if last := s.lastIndex(); last > 0 {
		return fmt.Errorf("begin a log that ends at %d: %w", last, walcore.ErrRefused)
	}
	if len(entries) == 0 {
		return nil
	}
	first := entries[0].GetIndex()
	if first == 0 {
		return fmt.Errorf("a log begins at index 1 or behind it, not at 0: %w", walcore.ErrRefused)
	}
	if err := checkEntries(entries, first, first, 0); err != nil {
		return err
	}
	return s.appendEntries(entries)
}
