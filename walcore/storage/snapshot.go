package storage

import (
	"fmt"
	"runtime/trace"

	"github.com/walfs/walfs/walcore/confstate"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Snapshot returns the last snapshot, with index 0 if there is none. It reads the
// snapshot's data from disk.
func (s *DiskStorage) Snapshot() (*raftpb.Snapshot, error) {
	defer trace.StartRegion(s.ctx, "walcore.Snapshot").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.err != nil {
		return nil, s.err
	}
	return s.meta.snapshot()
}

// CreateSnapshot stores a snapshot at an index of the log and compacts the log up
// to there: the first index is index+1 then. cs is what the last ApplyConfChange up to
// that index has returned. With nil the snapshot has the conf state of the one before,
// which is right if no configuration change was applied since.
//
// It fails with [raft.ErrSnapOutOfDate] if the storage has a snapshot that is as new,
// with [raft.ErrUnavailable] behind the log's end, where [raft.MemoryStorage] panics,
// and with [walcore.ErrRefused] for a conf state that names no voters or contradicts
// itself: the configuration changes are gone with the log, and a node that starts
// again would elect nobody, or panic. Neither changes anything.
//
// An index beyond the stored commit index is allowed, for what was applied was
// committed, and a program need not save each commit index. It is raised to the
// snapshot's, since Raft panics at one below it.
//
// A crash leaves the old snapshot with the whole log, or the new one with all
// entries after it. Files that are no longer needed may be left; Open removes them.
func (s *DiskStorage) CreateSnapshot(index uint64, cs *raftpb.ConfState, data []byte) error {
	defer trace.StartRegion(s.ctx, "walcore.CreateSnapshot").End()
	if err := s.beginWrite(); err != nil {
		return err
	}
	defer s.write.Unlock()
	if index <= s.meta.snapIndex {
		return raft.ErrSnapOutOfDate
	}
	term, err := s.term(index)
	if err != nil {
		return fmt.Errorf("snapshot at index %d, the log has %d to %d: %w", index, s.firstIndex(), s.lastIndex(), err)
	}
	if cs == nil {
		cs = s.meta.confState()
	}
	if err := confstate.Check(cs); err != nil {
		return refused("snapshot at index %d: %v", index, err)
	}
	// The new wal.meta takes the hard state along: entries first.
	if err := s.syncLog(); err != nil {
		return err
	}
	snap := &raftpb.Snapshot{Data: data, Metadata: &raftpb.SnapshotMetadata{
		ConfState: cs, Index: proto.Uint64(index), Term: proto.Uint64(term)}}
	if err := s.replaceMeta(snap, s.meta.hard.raised(index), func() {}); err != nil {
		return err
	}
	s.count.snapshots.Add(1)
	return s.compact(index)
}

// compact removes the log files whose entries all lie below index, the oldest
// first. The snapshot that replaces them is on disk.
//
// A crash leaves some of them. Whichever they are, no entry after the snapshot is
// missing.
func (s *DiskStorage) compact(index uint64) error {
	k := 0
	for k < len(s.segments)-1 && s.segments[k].last() < index {
		k++
	}
	if k == 0 {
		return nil
	}
	below := s.segments[:k]
	s.mu.Lock()
	s.segments = append([]*segment(nil), s.segments[k:]...)
	s.mu.Unlock()
	for _, g := range below {
		if err := s.remove(g); err != nil {
			return s.poison(err)
		}
	}
	s.log.Debug("log compacted", "dir", s.path, "snapshot", index, "files_removed", k)
	if err := s.syncDir(); err != nil {
		return s.poison(err)
	}
	return nil
}

// install stores a snapshot from another node and drops the whole log, which it
// replaces. Files that begin after the snapshot are removed first, and that is
// flushed. If one of them was left, but not the file that has the snapshot's own
// index, it would look like the continuation of the log.
//
// A crash leaves the old snapshot and log, or the new snapshot and log files that
// Open recognises as replaced: they end before the snapshot, or have another term
// at its index.
func (s *DiskStorage) install(snap *raftpb.Snapshot, hs hardState) error {
	var old []*segment
	if err := s.replaceMeta(snap, hs, func() {
		if s.logLast() > 0 {
			old, s.segments = s.segments, nil
		}
	}); err != nil {
		return err
	}
	s.count.snapshots.Add(1)
	s.log.Debug("snapshot installed", "dir", s.path, "index", s.meta.snapIndex, "term", s.meta.snapTerm)
	if err := s.dropReplaced(old, s.meta.snapIndex); err != nil {
		return s.poison(err)
	}
	return nil
}

// dropReplaced removes log files that a snapshot at index has replaced.
func (s *DiskStorage) dropReplaced(old []*segment, index uint64) error {
	k := len(old)
	for k > 0 && (old[k-1].entries() == 0 || old[k-1].first() > index) {
		k--
		if err := s.remove(old[k]); err != nil {
			return err
		}
	}
	if k < len(old) {
		if err := s.syncDir(); err != nil {
			return err
		}
	}
	for _, g := range old[:k] {
		if err := s.remove(g); err != nil {
			return err
		}
	}
	if k == 0 {
		return nil
	}
	return s.syncDir()
}
