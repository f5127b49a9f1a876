package storage

import (
	"fmt"
	"math"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/confstate"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// This file refuses what Raft could not go on with. The comments of Save and
// CreateSnapshot say what that is, and why.

func refused(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), walcore.ErrRefused)
}

// checkSave says why a Save is refused. state is the hard state as it is to be after
// it.
func (s *DiskStorage) checkSave(state hardState, entries []*raftpb.Entry, snap *raftpb.Snapshot) error {
	first, last, snapIndex := s.firstIndex(), s.lastIndex(), s.meta.snapIndex
	lastTerm, _ := s.term(last)
	before := lastTerm // the term before the first of entries
	if !raft.IsEmptySnap(snap) {
		if err := s.checkInstall(snap); err != nil {
			return err
		}
		md := snap.GetMetadata()
		first, last, snapIndex = md.GetIndex()+1, md.GetIndex(), md.GetIndex()
		before, lastTerm = md.GetTerm(), md.GetTerm()
	} else if len(entries) > 0 {
		// Where there is no such term, the index is refused.
		before, _ = s.term(entries[0].GetIndex() - 1)
	}
	if err := checkEntries(entries, first, last+1, before); err != nil {
		return err
	}
	if n := len(entries); n > 0 {
		if from, commit := entries[0].GetIndex(), s.meta.hard.commit; from <= min(commit, last) {
			return refused("entry %d of term %d: entries up to %d are committed, and nothing can take their place", from, entries[0].GetTerm(), commit)
		}
		last, lastTerm = entries[n-1].GetIndex(), entries[n-1].GetTerm()
	}
	return s.checkHardState(state, last, lastTerm, snapIndex)
}

// checkInstall refuses a snapshot that cannot replace the log.
func (s *DiskStorage) checkInstall(snap *raftpb.Snapshot) error {
	md := snap.GetMetadata()
	index, term := md.GetIndex(), md.GetTerm()
	switch {
	case index <= s.meta.snapIndex:
		return raft.ErrSnapOutOfDate
	case index > walcore.MaxNumber || term > walcore.MaxNumber:
		return refused("snapshot at index %d, term %d: no log gets there", index, term)
	case index < s.meta.hard.commit:
		return refused("snapshot at index %d: entries up to %d are committed, and it would replace the whole log", index, s.meta.hard.commit)
	}
	if err := confstate.Check(md.GetConfState()); err != nil {
		return refused("snapshot at index %d: %v", index, err)
	}
	return nil
}

// checkEntries refuses entries that would leave a gap or a duplicate, lie below
// the index first, or have a term that goes down. next is the index behind the
// log's end, term that of the entry before the first of entries.
func checkEntries(entries []*raftpb.Entry, first, next, term uint64) error {
	for i, e := range entries {
		refuse := func(format string, args ...any) error {
			return refused("entry %d of term %d: %s", e.GetIndex(), e.GetTerm(), fmt.Sprintf(format, args...))
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

// checkHardState refuses a hard state that breaks a promise, or that Raft cannot start
// with where the log ends with an entry at the index last. What does not change is not
// looked at: it may be wrong already, and is not made right by refusing the rest.
func (s *DiskStorage) checkHardState(state hardState, last, lastTerm, snapIndex uint64) error {
	old := s.meta.hard
	if state == old {
		return nil
	}
	switch {
	case state.term > walcore.MaxNumber:
		return refused("hard state of term %d: no log gets there", state.term)
	case state.term < old.term:
		return refused("hard state of term %d: the node has seen term %d", state.term, old.term)
	case state.term == old.term && old.vote != 0 && state.vote != old.vote:
		return refused("vote for %d in term %d: the node has voted for %d in it", state.vote, state.term, old.vote)
	case state.term < lastTerm:
		return refused("hard state of term %d: the last entry is of term %d", state.term, lastTerm)
	case state.commit == old.commit:
		return nil
	case state.commit > last:
		return refused("commit index %d: the log ends at %d", state.commit, last)
	case state.commit < min(old.commit, s.meta.checkpoint) && s.meta.checkpoint > snapIndex:
		return refused("commit index %d: entries up to %d are applied", state.commit, s.meta.checkpoint)
	}
	return nil
}
