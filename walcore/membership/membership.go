// Package membership tells who the members of a Raft group are, by what one
// node's directory says: the snapshot's conf state and the committed
// configuration changes after it, replayed with raft's own confchange package.
//
//	members, err := membership.Replay(reader)
//
// What lies above the commit index has not happened as far as this node knows,
// and is left out.
package membership

import (
	"fmt"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"go.etcd.io/raft/v3/confchange"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
	"google.golang.org/protobuf/proto"
)

// Role is what a member does.
type Role string

// A member that two sets name is a voter before it is anything else.
const (
	Voter       Role = "voter"
	Outgoing    Role = "outgoing"     // votes until the joint configuration is left
	Learner     Role = "learner"      // gets the log, does not vote
	LearnerNext Role = "learner_next" // will be a learner then, is outgoing until
)

// Member is one node. Address is empty where no configuration change in the log
// tells it: Dgraph's do, but for the node that began the group.
type Member struct {
	ID      uint64
	Role    Role
	Address string
}

// Replay gives the members as of the commit index, by id. It fails where a
// committed change cannot be read or does not fit those before it.
func Replay(r *walcore.Reader) ([]Member, error) {
	cs := &raftpb.ConfState{}
	var from uint64
	if s := r.Meta().Snapshot; s != nil {
		cs, from = s.Metadata.GetConfState(), s.Metadata.GetIndex()
	}
	commit := r.Meta().HardState.GetCommit()
	cfg := config{Changer: confchange.Changer{Tracker: tracker.MakeProgressTracker(1, 0), LastIndex: 1}}
	if err := cfg.set(confchange.Restore(cfg.Changer, cs)); err != nil {
		return nil, fmt.Errorf("the snapshot's conf state: %w", err)
	}
	addresses := map[uint64]string{}
	for e := range r.Log().Entries(0) {
		if e.Type == raftpb.EntryType_EntryNormal || e.Index > commit {
			continue
		}
		data, err := e.Data()
		if err != nil {
			return nil, err
		}
		pe := payload.Entry{Term: e.Term, Index: e.Index, Type: uint32(e.Type), Data: data}
		if c, ok := payload.RaftContextOf(pe); ok && c.Addr != "" {
			addresses[c.ID] = c.Addr
		}
		if e.Index <= from {
			continue
		}
		if err := cfg.apply(e.Type, data); err != nil {
			return nil, fmt.Errorf("entry %d, a configuration change: %w", e.Index, err)
		}
	}
	return cfg.members(addresses), nil
}

type config struct{ confchange.Changer }

func (c *config) set(cfg tracker.Config, progress tracker.ProgressMap, err error) error {
	if err == nil {
		c.Tracker.Config, c.Tracker.Progress = cfg, progress
	}
	return err
}

func (c *config) apply(t raftpb.EntryType, data []byte) error {
	var cc *raftpb.ConfChangeV2
	switch t {
	case raftpb.EntryType_EntryConfChange:
		v1 := &raftpb.ConfChange{}
		if err := proto.Unmarshal(data, v1); err != nil {
			return err
		}
		cc = v1.AsV2()
	case raftpb.EntryType_EntryConfChangeV2:
		cc = &raftpb.ConfChangeV2{}
		if err := proto.Unmarshal(data, cc); err != nil {
			return err
		}
	default: // of no type that Raft applies
		return nil
	}
	if cc.LeaveJoint() {
		return c.set(c.LeaveJoint())
	}
	if autoLeave, joint := cc.EnterJoint(); joint {
		return c.set(c.EnterJoint(autoLeave, cc.Changes...))
	}
	return c.set(c.Simple(cc.Changes...))
}

func (c *config) members(addresses map[uint64]string) []Member {
	cs := c.Tracker.ConfState()
	roles := map[uint64]Role{}
	for _, set := range []struct {
		role Role
		ids  []uint64
	}{{LearnerNext, cs.LearnersNext}, {Learner, cs.Learners}, {Outgoing, cs.VotersOutgoing}, {Voter, cs.Voters}} {
		for _, id := range set.ids {
			roles[id] = set.role
		}
	}
	var members []Member
	for id, role := range roles {
		members = append(members, Member{ID: id, Role: role, Address: addresses[id]})
	}
	slices.SortFunc(members, func(a, b Member) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return members
}

// String is the member's line in meta/members: id, role, and address where it
// is known.
func (m Member) String() string {
	s := fmt.Sprintf("%d %s", m.ID, m.Role)
	if m.Address != "" {
		s += " " + m.Address
	}
	return s
}
