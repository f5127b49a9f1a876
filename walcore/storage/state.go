package storage

import (
	"fmt"
	"runtime/trace"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// This file has what an operator needs and a running node does not: to drop
// the log's end, and to set the numbers of wal.meta.

// Rewind drops the entries after index. It fails with ErrRefused, and drops
// nothing, where that would break what Raft has promised: below the commit
// index, the checkpoint or the snapshot; and where nothing would be left that
// tells where the log goes on: below a first entry that no snapshot precedes.
//
// A crash leaves the log with the entries up to some index at or behind index.
func (s *DiskStorage) Rewind(index uint64) error {
	defer trace.StartRegion(s.ctx, "walcore.Rewind").End()
	if err := s.beginWrite(); err != nil {
		return err
	}
	defer s.write.Unlock()
	if index >= s.lastIndex() {
		return nil
	}
	refuse := func(format string, at uint64) error {
		return fmt.Errorf("rewind to %d: %s: %w", index, fmt.Sprintf(format, at), walcore.ErrRefused)
	}
	_, err := s.term(index)
	switch st := s.meta.state(); {
	case index < s.meta.snapIndex:
		return refuse("the snapshot stands for the entries up to %d", s.meta.snapIndex)
	case err != nil:
		return refuse("the log begins at %d, and there is no snapshot of what was before: it would be lost where the log goes on", s.firstIndex())
	case index < st.Commit:
		return refuse("entries up to %d are committed", st.Commit)
	case index < st.Checkpoint:
		return refuse("entries up to %d are applied", st.Checkpoint)
	}
	return s.rewind(index + 1)
}

// State is the numbers in wal.meta that do not belong to the snapshot.
type State struct {
	RaftID, GroupID, Checkpoint uint64
	Term, Vote, Commit          uint64 // the hard state, as it is stored
}

func (m *metaFile) state() State {
	return State{m.raftID, m.groupID, m.checkpoint, m.hard.term, m.hard.vote, m.hard.commit}
}

// State returns the numbers as they are stored. The commit index of
// InitialState differs where it lies below the snapshot.
func (s *DiskStorage) State() State {
	defer trace.StartRegion(s.ctx, "walcore.State").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.meta.state()
}

// SetState stores all of them at once. It fails with ErrRefused
// for numbers with which Raft would not start, or would break its promises:
// a commit index that is not in the log, a checkpoint beyond it, a term below
// the last entry's.
//
// A crash leaves the old numbers or the new ones.
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
	return s.rewriteMeta(ids, hard) // they are in two sectors
}

// checkState says what is wrong with the numbers that are new. Those that
// stay may be as wrong as they are.
func (s *DiskStorage) checkState(old, st State) error {
	last, snap := s.lastIndex(), s.meta.snapIndex
	term, _ := s.term(last)
	newCommit := st.Commit != old.Commit
	newHard := newCommit || st.Term != old.Term || st.Vote != old.Vote
	switch {
	case st.Term > format.MaxNumber:
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

// rewriteMeta puts a copy of wal.meta with some bytes changed in its place.
//
// A crash leaves the old file or the new one, each whole.
func (s *DiskStorage) rewriteMeta(changed ...meta.Stretch) error {
	size, err := s.meta.f.Size()
	if err != nil {
		return s.poison(err)
	}
	var parts []meta.Stretch
	const step = 64 << 10 // next to all of most files is empty
	for at := int64(0); at < size; at += step {
		b := make([]byte, min(step, size-at))
		if _, err := s.meta.f.ReadAt(b, at); err != nil {
			return s.poison(walcore.FileError(format.MetaName, err).At(uint64(at)))
		}
		if at == 0 || !format.AllZero(b) {
			parts = append(parts, meta.Stretch{At: at, Bytes: b})
		}
	}
	for _, c := range changed {
		// Zeros, too, must replace what the copy has there.
		copy(parts[0].Bytes[c.At:], c.Bytes)
	}
	f, err := s.writeNewMeta(parts, size)
	if err != nil {
		return s.poison(err)
	}
	return s.adoptMeta(f, func() {})
}

// Files are the names of the log files, in the log's order.
func (s *DiskStorage) Files() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := make([]string, len(s.segments))
	for i, g := range s.segments {
		names[i] = g.name
	}
	return names
}

// PayloadsBelow counts the normal entries that have data, from the index from
// up to but without index, and their bytes: what TruncateEntriesUntil(index)
// would empty.
func (s *DiskStorage) PayloadsBelow(from, index uint64) (entries int, size int64, err error) {
	defer trace.StartRegion(s.ctx, "walcore.PayloadsBelow").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.err != nil {
		return 0, 0, s.err
	}
	for _, g := range s.segments {
		for i := range g.slots() {
			slot := g.slot(i)
			if slot.Index < from || slot.Index >= index || slot.Type != raftpb.EntryType_EntryNormal {
				continue
			}
			n, err := g.readLength(i)
			if err != nil {
				return 0, 0, err
			}
			if n > 0 && !g.beingEmptied(i) {
				entries++
				size += int64(n)
			}
		}
	}
	return entries, size, nil
}
