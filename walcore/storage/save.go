package storage

import (
	"fmt"
	"math"
	"runtime/trace"

	"github.com/walfs/walfs/walcore"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// Save stores what a raft.Ready asks for: the snapshot, then the entries, then the
// hard state's commit index; each may be nil or empty. A snapshot replaces the whole
// log. Entries at indexes that the log has already replace those and all after them.
// The hard state's term and vote are stored before entries of a new term, and together
// with a snapshot: no entry on disk is of a later term than the hard state.
//
// It fails with [raft.ErrSnapOutOfDate] if the storage has a snapshot that is as
// new, and with [walcore.ErrRefused] for entries that do not continue the log.
// Neither changes anything.
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
	install := !raft.IsEmptySnap(snap)
	first, next, term := s.firstIndex(), s.lastIndex()+1, uint64(0)
	if install {
		md := snap.GetMetadata()
		if md.GetIndex() <= s.meta.snapIndex {
			return raft.ErrSnapOutOfDate
		}
		if md.GetIndex() > walcore.MaxNumber || md.GetTerm() > walcore.MaxNumber {
			return fmt.Errorf("snapshot at index %d, term %d: no log gets there: %w", md.GetIndex(), md.GetTerm(), walcore.ErrRefused)
		}
		first, next, term = md.GetIndex()+1, md.GetIndex()+1, md.GetTerm()
	} else if len(entries) > 0 {
		// Where there is no such term, the index is refused.
		term, _ = s.term(entries[0].GetIndex() - 1)
	}
	if err := checkEntries(entries, first, next, term); err != nil {
		return err
	}
	s.count.saves.Add(1)

	state := s.meta.hard
	if !raft.IsEmptyHardState(hs) {
		state = hardState{term: hs.GetTerm(), vote: hs.GetVote(), commit: hs.GetCommit()}
	}
	if install {
		// The hard state goes into the same new wal.meta. Only a commit index among
		// the entries has to wait for them.
		early := state
		if len(entries) > 0 {
			early.commit = min(state.commit, snap.GetMetadata().GetIndex())
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

// checkEntries refuses entries that would leave a gap or a duplicate, lie below
// the index first, or have a term that goes down. next is the index behind the
// log's end, term that of the entry before the first of entries.
func checkEntries(entries []*raftpb.Entry, first, next, term uint64) error {
	for i, e := range entries {
		refuse := func(format string, args ...any) error {
			return fmt.Errorf("entry %d of term %d: %s: %w", e.GetIndex(), e.GetTerm(), fmt.Sprintf(format, args...), walcore.ErrRefused)
		}
		switch index := e.GetIndex(); {
		case i == 0 && index < first:
			return refuse("the log begins at %d", first)
		case i == 0 && index > next:
			return refuse("the log ends at %d, so that %d comes next", next-1, next)
		case i > 0 && index != entries[i-1].GetIndex()+1:
			return refuse("it follows entry %d", entries[i-1].GetIndex())
		case e.GetTerm() < term:
			return refuse("the entry before is of term %d", term)
		case index > walcore.MaxNumber || e.GetTerm() > walcore.MaxNumber:
			return refuse("no log gets there")
		case len(e.GetData()) >= math.MaxUint32:
			return refuse("%d bytes of data, at most %d fit", len(e.GetData()), uint32(math.MaxUint32-1))
		}
		term = e.GetTerm()
	}
	return nil
}
