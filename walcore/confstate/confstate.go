// Package confstate replays configuration changes: from the conf state of a
// snapshot, or none, and the changes that were committed after it, it gives the
// conf state that Raft has then. It knows no directory and no log, so that those
// who read a log and those who write one can both use it.
//
//	r, err := confstate.From(snapshot.Metadata.ConfState)
//	...
//	err = r.Apply(raftpb.EntryConfChange, index, data)
//	...
//	members := r.ConfState()
//
// The rules are raft's own, from its package confchange. A conf state belongs to
// an index: it is who votes and who learns once the entry there is applied.
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
// it, or the snapshot's conf state contradicts itself. The directory can be sound
// all the same: some other application has written the changes.
var ErrMisfit = errors.New("does not replay")

// maxMembers bounds a group: raft's package copies all members at each change,
// and a conf state is restored change by change. A real group has a dozen.
const maxMembers = 200

// Replay is a configuration to which changes are applied.
type Replay struct{ changer confchange.Changer }

// From begins with a conf state; nil is one without members. It fails with
// ErrMisfit.
func From(cs *raftpb.ConfState) (*Replay, error) {
	if cs == nil {
		cs = &raftpb.ConfState{}
	}
	if n := len(cs.Voters) + len(cs.VotersOutgoing) + len(cs.Learners) + len(cs.LearnersNext); n > maxMembers {
		return nil, fmt.Errorf("the snapshot's conf state %w: %d members, want at most %d", ErrMisfit, n, maxMembers)
	}
	// How many messages are in flight, and up to where the log reaches, have no
	// bearing on who the members are.
	r := &Replay{confchange.Changer{Tracker: tracker.MakeProgressTracker(1, 0), LastIndex: 1}}
	if err := r.set(confchange.Restore(r.changer, cs)); err != nil {
		return nil, fmt.Errorf("the snapshot's conf state %w: %w", ErrMisfit, err)
	}
	return r, nil
}

// ConfState is the configuration now.
func (r *Replay) ConfState() *raftpb.ConfState { return r.changer.Tracker.ConfState() }

// Apply applies the change that is the data of an entry of type t, at index. It
// fails with ErrMisfit, and the configuration is as it was then.
func (r *Replay) Apply(t raftpb.EntryType, index uint64, data []byte) error {
	if err := r.apply(t, data); err != nil {
		return fmt.Errorf("entry %d, a configuration change, %w: %w", index, ErrMisfit, err)
	}
	return nil
}

func (r *Replay) apply(t raftpb.EntryType, data []byte) error {
	cc, err := parse(t, data)
	if err != nil {
		return err
	}
	if t := cc.GetTransition(); raftpb.ConfChangeTransition_name[int32(t)] == "" {
		return fmt.Errorf("unknown transition %d", t) // at which raft panics
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

// parse reads a change of either type, as the newer one.
func parse(t raftpb.EntryType, data []byte) (*raftpb.ConfChangeV2, error) {
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
