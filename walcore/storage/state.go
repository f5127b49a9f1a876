package storage

import (
	"fmt"
	"runtime/trace"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
)

// State is what wal.meta holds beside the snapshot: the node's ids, and the hard
// state as it is stored.
type State struct {
	RaftID, GroupID, Checkpoint uint64
	Term, Vote, Commit          uint64 // the hard state
}

func (m *metaFile) state() State {
	return State{m.raftID, m.groupID, m.checkpoint, m.hard.term, m.hard.vote, m.hard.commit}
}

// State returns the numbers as they are stored. The commit index is that of
// [DiskStorage.InitialState], unless it lies below the snapshot.
func (s *DiskStorage) State() State {
	defer trace.StartRegion(s.ctx, "walcore.State").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.meta.state()
}

// SetState stores all numbers at once. It fails with [walcore.ErrRefused] for
// numbers with which Raft would not start, or would break what it has promised: a
// commit index that is not in the log, a checkpoint above the commit index, a term
// below the last entry's. Unlike Save it lets a term go down or a vote change: it is
// for a node whose promises are known not to matter.
//
// A crash leaves all old numbers or all new ones.
func (s *DiskStorage) SetState(st State) error {
	defer trace.StartRegion(s.ctx, "walcore.SetState").End()
	if err := s.beginWrite(); err != nil {
		return err
	}
	defer s.write.Unlock()
	old := s.meta.state()
	if st == old {
		return nil
	}
	if err := s.checkState(old, st); err != nil {
		return fmt.Errorf("%w: %w", err, walcore.ErrRefused)
	}
	// The commit index speaks of entries: those first.
	if err := s.syncLog(); err != nil {
		return err
	}
	ids := meta.EncodeIDs(st.RaftID, st.GroupID, st.Checkpoint)
	hard := meta.EncodeHardState(st.Term, st.Vote, st.Commit)
	sameIDs := st.RaftID == old.RaftID && st.GroupID == old.GroupID && st.Checkpoint == old.Checkpoint
	sameHard := st.Term == old.Term && st.Vote == old.Vote && st.Commit == old.Commit
	set := func(m *metaFile) {
		m.raftID, m.groupID, m.checkpoint = st.RaftID, st.GroupID, st.Checkpoint
		m.hard = hardState{st.Term, st.Vote, st.Commit}
	}
	switch {
	case sameHard:
		return s.writeMeta(ids, false, set)
	case sameIDs:
		return s.writeMeta(hard, false, set)
	}
	return s.rewriteMeta(ids, hard) // ids and hard state are in two sectors
}

// checkState says what is wrong with the numbers that change. Those that do not
// change are not looked at, so that one can be corrected after the other.
func (s *DiskStorage) checkState(old, st State) error {
	last, snap := s.lastIndex(), s.meta.snapIndex
	term, _ := s.term(last)
	newCommit := st.Commit != old.Commit
	newHard := newCommit || st.Term != old.Term || st.Vote != old.Vote
	switch {
	case st.Term > walcore.MaxNumber:
		return fmt.Errorf("term %d: no log gets there", st.Term)
	case newCommit && st.Commit > last:
		return fmt.Errorf("commit index %d: the log ends at %d", st.Commit, last)
	case newCommit && st.Commit < snap:
		return fmt.Errorf("commit index %d: the snapshot at %d was committed", st.Commit, snap)
	case (newCommit || st.Checkpoint != old.Checkpoint) && st.Checkpoint > max(st.Commit, snap):
		return fmt.Errorf("checkpoint %d: applied entries are committed, and the commit index is %d; set both",
			st.Checkpoint, st.Commit)
	case newHard && st.Term < term:
		return fmt.Errorf("term %d: the last entry is of term %d; set the term, too", st.Term, term)
	}
	return nil
}
