package confstate

import (
	"errors"
	"fmt"

	"go.etcd.io/raft/v3/confchange"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
	"google.golang.org/protobuf/proto"
)

// ErrMisfit: a configuration change does not parse or does not fit those before
// it, or the snapshot's conf state contradicts itself. The directory need not be
// damaged: an application other than Dgraph may have written the changes.
var ErrMisfit = errors.New("does not replay")

// maxMembers bounds a group: raft's package copies all members at each change,
// and a conf state is restored change by change. A real group has a dozen.
const maxMembers = 200

// Replay is a configuration to which changes are applied.
type Replay struct{ changer confchange.Changer }

// From begins with a conf state; nil is one without members. It fails with
// ErrMisfit if the conf state contradicts itself.
func From(cs *raftpb.ConfState) (*Replay, error) {
	if cs == nil {
		cs = &raftpb.ConfState{}
	}
	if n := len(cs.Voters) + len(cs.VotersOutgoing) + len(cs.Learners) + len(cs.LearnersNext); n > maxMembers {
		return nil, fmt.Errorf("the snapshot's conf state %w: %d members, want at most %d", ErrMisfit, n, maxMembers)
	}
	r, err := restore(cs)
	if err != nil {
		return nil, fmt.Errorf("the snapshot's conf state %w: %w", ErrMisfit, err)
	}
	return r, nil
}

// restore makes the configuration that a conf state describes.
func restore(cs *raftpb.ConfState) (*Replay, error) {
	// The tracker also wants a limit of messages in flight and a last index; who
	// the members are does not depend on them.
	r := &Replay{confchange.Changer{Tracker: tracker.MakeProgressTracker(1, 0), LastIndex: 1}}
	if err := r.set(confchange.Restore(r.changer, cs)); err != nil {
		return nil, err
	}
	// An id that is there twice ends up once. Raft compares the two, too, and panics.
	if cs.Equivalent(r.ConfState()) != nil {
		return nil, errors.New("a node is in it twice, or with two roles")
	}
	return r, nil
}

// Check fails for a conf state with which no node works: one without voters, for which
// nobody is ever elected, or one that contradicts itself, at which Raft panics.
func Check(cs *raftpb.ConfState) error {
	if len(cs.GetVoters()) == 0 {
		return errors.New("the conf state names no voters")
	}
	if _, err := restore(cs); err != nil {
		return fmt.Errorf("the conf state contradicts itself: %w", err)
	}
	return nil
}

// ConfState is the configuration now.
func (r *Replay) ConfState() *raftpb.ConfState { return r.changer.Tracker.ConfState() }

// Apply applies a configuration change: the data of the entry at index, which has
// type t. If it fails, with ErrMisfit, the configuration is what it was before.
func (r *Replay) Apply(t raftpb.EntryType, index uint64, data []byte) error {
	if err := r.apply(t, data); err != nil {
		return fmt.Errorf("entry %d, a configuration change, %w: %w", index, ErrMisfit, err)
	}
	return nil
}

func (r *Replay) apply(t raftpb.EntryType, data []byte) error {
	cc, err := Parse(t, data)
	if err != nil {
		return err
	}
	if t := cc.GetTransition(); raftpb.ConfChangeTransition_name[int32(t)] == "" {
		return fmt.Errorf("unknown transition %d", t) // raft would panic
	}
	if n := len(cc.Changes) + len(r.changer.Tracker.Progress); n > maxMembers {
		return fmt.Errorf("%d members and changes, want at most %d", n, maxMembers)
	}
	if cc.LeaveJoint() {
		return r.set(r.changer.LeaveJoint())
	}
	if autoLeave, joint := cc.EnterJoint(); joint {
		return r.set(r.changer.EnterJoint(autoLeave, cc.Changes...))
	}
	return r.set(r.changer.Simple(cc.Changes...))
}

// Parse reads the data of a change of either type, and gives it as a ConfChangeV2.
func Parse(t raftpb.EntryType, data []byte) (*raftpb.ConfChangeV2, error) {
	switch t {
	case raftpb.EntryConfChange:
		cc := &raftpb.ConfChange{}
		err := proto.Unmarshal(data, cc)
		return cc.AsV2(), err
	case raftpb.EntryConfChangeV2:
		cc := &raftpb.ConfChangeV2{}
		err := proto.Unmarshal(data, cc)
		return cc, err
	}
	return nil, fmt.Errorf("an entry of type %v is none", t)
}

func (r *Replay) set(cfg tracker.Config, progress tracker.ProgressMap, err error) error {
	if err == nil {
		r.changer.Tracker.Config, r.changer.Tracker.Progress = cfg, progress
	}
	return err
}

// IsChange reports whether entries of a type are configuration changes.
func IsChange(t raftpb.EntryType) bool {
	return t == raftpb.EntryConfChange || t == raftpb.EntryConfChangeV2
}
