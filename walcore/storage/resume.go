package storage

import (
	"fmt"
	"runtime/trace"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Resume sets c.Storage and c.Applied for a node whose state machine holds what
// the entries up to the index applied did; the application has stored that index
// itself, or with SetCheckpoint. Raft delivers the entries after it, and starts
// with the members as of there. 0 is for a state machine that is in memory: it
// begins with the snapshot, if there is one.
//
//	config := &raft.Config{ID: 1, …}
//	err := s.Resume(config, s.Checkpoint())
//	…
//	node := raft.RestartNode(config)
//
// A raft.Config with Storage: s and Applied: applied is right where applied is 0
// or the snapshot's index, and wrong beyond: Raft takes the members from the
// snapshot, does not see the configuration changes up to applied again, and runs
// with members who are long gone, or none.
//
// A commit index that power loss has set back below applied is raised to it: what
// was applied was committed. Call Resume each time a node is started.
//
// It fails, and leaves c as it is, with raft.ErrCompacted if applied is below the
// snapshot (the application was stopped after Save had stored the snapshot, and
// before its state machine had it: take Snapshot's, and resume at its index), with
// raft.ErrUnavailable if the log ends before applied, and as ConfStateAt does.
func (s *DiskStorage) Resume(c *raft.Config, applied uint64) error {
	defer trace.StartRegion(s.ctx, "walcore.Resume").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.err != nil {
		return s.err
	}
	snap, last := s.meta.snapIndex, s.lastIndex()
	if applied == 0 {
		applied = snap
	}
	switch {
	case applied > last:
		return fmt.Errorf("resume at applied index %d: the log ends at %d: it is another node's, or its end is lost; "+
			"take a copy of another replica: %w", applied, last, raft.ErrUnavailable)
	case applied < snap:
		return fmt.Errorf("resume at applied index %d: the snapshot stands for the entries up to %d; "+
			"restore the state machine from it, and resume there: %w", applied, snap, raft.ErrCompacted)
	case applied > snap && s.meta.hard == (hardState{}):
		return fmt.Errorf("resume at applied index %d: no hard state was ever saved, so that nothing after index %d can be applied: %w",
			applied, snap, walcore.ErrRefused)
	}
	conf, err := s.replayTo(applied)
	if err != nil {
		return err
	}
	s.start.resumed.Store(true)
	s.start.applied.Store(applied)
	c.Storage, c.Applied = &resumed{s, applied, conf}, applied
	return nil
}

// startNotes is what the application has asked of how to start Raft, and whether
// it was warned.
type startNotes struct {
	isNewAsked, resumed, warned atomic.Bool
	applied                     atomic.Uint64 // what Resume was told; all of it was committed
}

// resumed is a DiskStorage for a node that goes on after the index applied.
type resumed struct {
	*DiskStorage
	applied uint64
	conf    *raftpb.ConfState // as of applied
}

func (r *resumed) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	defer trace.StartRegion(r.ctx, "walcore.InitialState").End()
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.err != nil {
		return nil, nil, r.err
	}
	r.warnVoters(r.conf, r.applied)
	return r.initialHardState(r.applied), proto.Clone(r.conf).(*raftpb.ConfState), nil
}

// initialHardState is the hard state for a node that has applied the entries up
// to an index; nil if none was saved. Raft does not start with a commit index
// below that.
func (s *DiskStorage) initialHardState(applied uint64) *raftpb.HardState {
	if s.meta.hard == (hardState{}) {
		return nil
	}
	hs := s.meta.hard
	hs.commit = max(hs.commit, applied)
	return &raftpb.HardState{Term: &hs.term, Vote: &hs.vote, Commit: &hs.commit}
}

// warnVoters says it if Raft starts without voters and none are to come: raft
// itself is silent then, and does nothing.
func (s *DiskStorage) warnVoters(cs *raftpb.ConfState, applied uint64) {
	isNew := s.isNew()
	if len(cs.Voters)+len(cs.VotersOutgoing) > 0 || s.firstConfChange(applied, s.commit()) > 0 || isNew && s.start.isNewAsked.Load() {
		return
	}
	msg := "the log names no voters: the node does nothing until a leader sends it entries; if it is to begin a group, " +
		"its first Save was cut off: start it again in an empty directory"
	if isNew {
		msg = "the log is new and names no voters: raft.StartNode gives it a group's first members; a node started with " +
			"raft.RestartNode does nothing until a leader adds it; IsNew tells which to call"
	}
	s.warnOnce(msg, "dir", s.path)
}

// warnCheckpoint says it if the checkpoint, as raft.Config.Applied, would hide
// configuration changes from Raft: whether it is that, the storage cannot see.
func (s *DiskStorage) warnCheckpoint() {
	if s.start.resumed.Load() {
		return
	}
	change := s.firstConfChange(s.meta.snapIndex, s.meta.checkpoint)
	if change == 0 {
		return
	}
	s.warnOnce("members have changed since the snapshot: with raft.Config.Applied beyond the change Raft does not know of it; "+
		"call Resume(config, applied), which tells it, or Resume(config, 0) if Applied is 0 or the snapshot's index",
		"dir", s.path, "snapshot", s.meta.snapIndex, "change", change, "checkpoint", s.meta.checkpoint)
}

// warnOnce warns for the first time that there is a reason: who asks for the
// initial state again is told nothing new.
func (s *DiskStorage) warnOnce(msg string, args ...any) {
	if s.start.warned.CompareAndSwap(false, true) {
		s.log.Warn(msg, args...)
	}
}
