package storage

import (
	"runtime/trace"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// Save stores what a raft.Ready asks for: the snapshot, then the entries, then the
// hard state's commit index; each may be nil or empty. A snapshot replaces the whole
// log, and raises the commit index to its own. Entries at indexes that the log has
// already replace those and all after them. The hard state's term and vote are stored
// before entries of a new term, and together with a snapshot: no entry on disk is of a
// later term than the hard state.
//
// It fails with [raft.ErrSnapOutOfDate] if the storage has a snapshot that is as new,
// and with [walcore.ErrRefused] for what no Ready asks for and Raft could not go on
// with. Neither changes anything, and the next call may be a right one. It refuses
//
//   - entries that leave a gap, a duplicate, or begin below the first index, and terms
//     that go down: that is no log;
//   - entries in the place of committed ones: other nodes may have applied those;
//   - a term that goes down, a vote that changes within its term: the node would vote
//     twice in one term;
//   - a hard state of an earlier term than the last entry's, or the snapshot's: likewise;
//   - a commit index beyond the log's end, entries and snapshot of this call included:
//     Raft panics when it starts with that;
//   - a commit index that goes down below the checkpoint: Raft panics where that is
//     raft.Config.Applied;
//   - a snapshot below the commit index: the entries up to there would go with the log;
//   - a snapshot whose conf state is missing, names no voters, or contradicts itself:
//     nobody would be elected, or Raft panics.
//
// [raft.MemoryStorage] takes most of these, and the node stops later, or forgets what
// it has promised. What is wrong on disk already, and does not change, is not refused.
//
// No Ready asks for these either, but Raft goes on with them, so that they are allowed:
//
//   - entries or a snapshot without a hard state, of whatever term: a log can be made of
//     them. Until a hard state of that term follows, Open lists a problem;
//   - a commit index that goes down: Raft finds out anew what is committed. One below
//     the snapshot's is raised to that.
//
// A crash leaves a state between the one before and the one after: first the
// snapshot is there, with the new term and vote, or these alone, if the entries are of
// a new term; then some of the entries from the first one on; then the hard state.
// Entries that are to be replaced may be gone before that.
func (s *DiskStorage) Save(hs *raftpb.HardState, entries []*raftpb.Entry, snap *raftpb.Snapshot) error {
	defer trace.StartRegion(s.ctx, "walcore.Save").End()
	if err := s.beginWrite(); err != nil {
		return err
	}
	defer s.write.Unlock()
	state := s.meta.hard
	if !raft.IsEmptyHardState(hs) {
		state = hardState{term: hs.GetTerm(), vote: hs.GetVote(), commit: hs.GetCommit()}
	}
	if err := s.checkSave(state, entries, snap); err != nil {
		return err
	}
	s.count.saves.Add(1)
	install := !raft.IsEmptySnap(snap)
	snapIndex := s.meta.snapIndex
	if install {
		snapIndex = snap.GetMetadata().GetIndex()
	}
	state = state.raised(snapIndex)
	if install {
		// The hard state goes into the same new wal.meta. Only a commit index among
		// the entries has to wait for them.
		early := state
		if len(entries) > 0 {
			early.commit = min(state.commit, snapIndex)
		}
		if err := s.install(snap, early); err != nil {
			return err
		}
	}
	if len(entries) > 0 {
		if err := s.reserveFirst(entries); err != nil {
			return err
		}
		if err := s.saveTermFirst(state, entries); err != nil {
			return err
		}
		if err := s.appendEntries(entries); err != nil {
			return err
		}
	}
	if state != s.meta.hard {
		return s.saveHardState(state)
	}
	return nil
}

// raised is the hard state once there is a snapshot at an index: what is in a snapshot
// was committed, and Raft panics at a commit index below it. Where none was ever saved,
// there is none.
func (h hardState) raised(snapIndex uint64) hardState {
	if h != (hardState{}) {
		h.commit = max(h.commit, snapIndex)
	}
	return h
}

// saveTermFirst stores the term and the vote of a hard state, and flushes them, if
// the entries that come next are of a later term than the stored one. It does so
// with SyncManual too: a new term is rare, and a term that Raft has seen must not be
// forgotten while its entries are there. What the stored commit index speaks of is
// flushed before it.
//
// A crash leaves the old hard state or the new one with the old commit index.
func (s *DiskStorage) saveTermFirst(state hardState, entries []*raftpb.Entry) error {
	first := hardState{state.term, state.vote, s.meta.hard.commit}
	if entries[len(entries)-1].GetTerm() <= s.meta.hard.term || first == s.meta.hard {
		return nil
	}
	if s.opts.Sync == SyncManual {
		if err := s.syncLog(); err != nil {
			return err
		}
	}
	if err := s.saveHardState(first); err != nil {
		return err
	}
	if s.meta.dirty {
		return s.flushMeta()
	}
	return nil
}
