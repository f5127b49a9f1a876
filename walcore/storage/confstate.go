package storage

import (
	"fmt"
	"iter"
	"math"
	"runtime/trace"

	"github.com/walfs/walfs/walcore/confstate"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// IsNew reports whether nothing was ever saved: there is no hard state, no entry
// and no snapshot. A node that begins a group is started with raft.StartNode then,
// and with raft.RestartNode for ever after. Ids do not count.
//
// A node that is to join a group that runs already is started with RestartNode on
// its new log too: it has no voters, and waits until a leader that was told of it
// (ProposeConfChange) sends it the log.
func (s *DiskStorage) IsNew() bool {
	defer trace.StartRegion(s.ctx, "walcore.IsNew").End()
	s.start.isNewAsked.Store(true)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.isNew()
}

// The calls below need mu or write held.

func (s *DiskStorage) isNew() bool {
	return s.meta.hard == hardState{} && s.meta.conf == nil && s.lastIndex() == 0
}

// ConfStateAt gives the conf state as of an index: the snapshot's, and the
// committed configuration changes after it, up to the index, applied to it. It is
// what the last ApplyConfChange up to there returned, unless the application has
// refused a change (by applying one with node id 0), which the log does not tell.
//
// It fails with raft.ErrCompacted below the snapshot or where the log lacks entries
// before its first, with raft.ErrUnavailable for an index that is not committed,
// with confstate.ErrMisfit for changes that cannot follow one another, and as
// Entries does.
func (s *DiskStorage) ConfStateAt(index uint64) (*raftpb.ConfState, error) {
	defer trace.StartRegion(s.ctx, "walcore.ConfStateAt").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.err != nil {
		return nil, s.err
	}
	if commit := s.commit(); index > commit {
		return nil, fmt.Errorf("conf state at index %d: entries up to %d are committed: %w", index, commit, raft.ErrUnavailable)
	}
	return s.replayTo(index)
}

// commit is the commit index. What is in a snapshot was committed, and what was
// applied, though power loss may have set back the stored commit index.
func (s *DiskStorage) commit() uint64 {
	return max(s.meta.hard.commit, s.meta.snapIndex, s.start.applied.Load())
}

// replayTo gives the conf state as of an index, whether or not that is committed.
func (s *DiskStorage) replayTo(index uint64) (*raftpb.ConfState, error) {
	snap, first, last := s.meta.snapIndex, s.firstIndex(), s.lastIndex()
	switch {
	case index == snap:
		return s.meta.confState(), nil
	case index < snap:
		return nil, fmt.Errorf("conf state at index %d: the snapshot stands for the entries up to %d: %w", index, snap, raft.ErrCompacted)
	case first > snap+1:
		return nil, fmt.Errorf("conf state at index %d: the log begins at %d, and there is no snapshot of what was before: %w",
			index, first, raft.ErrCompacted)
	case index > last:
		return nil, fmt.Errorf("conf state at index %d: the log ends at %d: %w", index, last, raft.ErrUnavailable)
	}
	replay, err := confstate.From(s.meta.conf)
	if err != nil {
		return nil, err
	}
	for g, i := range s.confChanges(snap, index) {
		w, err := g.window(i, 1, math.MaxInt64)
		if err != nil {
			return nil, err
		}
		b := batch{left: math.MaxUint64}
		if err := b.add([]window{w}); err != nil {
			return nil, err
		}
		e := b.entries[0]
		if err := replay.Apply(e.GetType(), e.GetIndex(), e.GetData()); err != nil {
			return nil, err
		}
	}
	return replay.ConfState(), nil
}

// confChanges gives the places of the configuration changes behind the index
// after, up to upTo. Slots tell what is one: nothing is read from disk.
func (s *DiskStorage) confChanges(after, upTo uint64) iter.Seq2[*segment, int] {
	return func(yield func(*segment, int) bool) {
		for _, g := range s.segments {
			if g.entries() == 0 || g.last() <= after || g.first() > upTo {
				continue
			}
			end := g.slotOf(min(g.last(), upTo))
			for i := g.slotOf(max(g.first(), after+1)); i <= end; i++ {
				if confstate.IsChange(g.slot(i).Type) && !yield(g, i) {
					return
				}
			}
		}
	}
}

// firstConfChange is the index of the first configuration change behind the index
// after, up to upTo; 0 if there is none.
func (s *DiskStorage) firstConfChange(after, upTo uint64) uint64 {
	for g, i := range s.confChanges(after, upTo) {
		return g.slot(i).Index
	}
	return 0
}
