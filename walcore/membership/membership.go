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
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"go.etcd.io/raft/v3/confchange"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
	"google.golang.org/protobuf/proto"
)

// Role is what a member does.
type Role string

// A member has one, the first that fits: during a joint configuration it can be
// in more than one of Raft's sets.
const (
	Voter       Role = "voter"
	Learner     Role = "learner"      // gets the log, does not vote
	LearnerNext Role = "learner_next" // votes until the joint configuration is left, then is a learner
	Outgoing    Role = "outgoing"     // votes until then, and is gone
)

// Member is one node. Address is empty where neither the snapshot nor a
// configuration change in the log tells it: Dgraph's do, but for the node that
// began the group.
type Member struct {
	ID      uint64
	Role    Role
	Address string
}

// ErrMisfit: a configuration change does not parse or does not fit those before
// it, or the snapshot's conf state contradicts itself. The directory can be sound
// all the same: some other application has written the changes.
var ErrMisfit = errors.New("does not replay")

// ErrNotKnown: the log does not tell up to where it is committed.
var ErrNotKnown = errors.New("the log does not tell its commit index")

// Replay gives the members as of the commit index, by id. It fails with
// ErrMisfit, and where a committed entry that is a change, or may be one, cannot
// be read.
func Replay(l walcore.Log) ([]Member, error) {
	m := l.Meta()
	if m.HardState == nil {
		return nil, ErrNotKnown
	}
	cs, snapshot := walcore.ConfState{}, uint64(0)
	if m.Snapshot != nil {
		cs, snapshot = m.Snapshot.ConfState, m.Snapshot.Index
	}
	cfg, err := restore(cs)
	if err != nil {
		return nil, fmt.Errorf("the snapshot's conf state %w: %w", ErrMisfit, err)
	}
	commit := m.HardState.Commit
	addresses := snapshotAddresses(l)
	next := snapshot + 1
	for e := range l.Entries(0) {
		if e.Index > commit {
			break
		}
		if e.Index > snapshot {
			if err := l.Gap(next, e.Index-1); err != nil {
				return nil, fmt.Errorf("%w; it may be a configuration change", err)
			}
			next = e.Index + 1
		}
		if e.Type != walcore.EntryConfChange && e.Type != walcore.EntryConfChangeV2 {
			continue
		}
		data, err := e.Data()
		if err != nil {
			return nil, err
		}
		if c, ok := payload.RaftContextOf(payload.EntryOf(&e, data)); ok && c.Addr != "" {
			addresses[c.ID] = c.Addr
		}
		if e.Index <= snapshot { // the conf state has it
			continue
		}
		if err := cfg.apply(e.Type, data); err != nil {
			return nil, fmt.Errorf("entry %d, a configuration change, %w: %w", e.Index, ErrMisfit, err)
		}
	}
	if next <= commit {
		if err := l.Gap(next, commit); err != nil {
			return nil, fmt.Errorf("%w; it may be a configuration change", err)
		}
		return nil, fmt.Errorf("entries %d to %d are committed, but not in the log: %w", next, commit, walcore.ErrDamaged)
	}
	return cfg.members(addresses), nil
}

// snapshotAddresses gives the addresses in the application's snapshot, which
// outlive the configuration changes. Where they are not to be had, they are not
// known.
func snapshotAddresses(l walcore.Log) map[uint64]string {
	blob, err := payload.SnapshotData(l)
	if len(blob) == 0 || err != nil {
		return map[uint64]string{}
	}
	return payload.Addresses(payload.AppOf(l), blob)
}

type config struct{ confchange.Changer }

// maxMembers bounds a group: raft's package copies all members at each change,
// and a conf state is restored change by change. A real group has a dozen.
const maxMembers = 200

func restore(cs walcore.ConfState) (*config, error) {
	if n := len(cs.Voters) + len(cs.VotersOutgoing) + len(cs.Learners) + len(cs.LearnersNext); n > maxMembers {
		return nil, fmt.Errorf("%d members, want at most %d", n, maxMembers)
	}
	// How many messages are in flight, and up to where the log reaches, have no
	// bearing on who the members are.
	c := &config{confchange.Changer{Tracker: tracker.MakeProgressTracker(1, 0), LastIndex: 1}}
	return c, c.set(confchange.Restore(c.Changer, &raftpb.ConfState{Voters: cs.Voters, Learners: cs.Learners,
		VotersOutgoing: cs.VotersOutgoing, LearnersNext: cs.LearnersNext, AutoLeave: &cs.AutoLeave}))
}

func (c *config) set(cfg tracker.Config, progress tracker.ProgressMap, err error) error {
	if err == nil {
		c.Tracker.Config, c.Tracker.Progress = cfg, progress
	}
	return err
}

// apply takes a configuration change of either type.
func (c *config) apply(t walcore.EntryType, data []byte) error {
	cc := &raftpb.ConfChangeV2{}
	if t == walcore.EntryConfChange {
		v1 := &raftpb.ConfChange{}
		if err := proto.Unmarshal(data, v1); err != nil {
			return err
		}
		cc = v1.AsV2()
	} else if err := proto.Unmarshal(data, cc); err != nil {
		return err
	}
	if t := cc.GetTransition(); raftpb.ConfChangeTransition_name[int32(t)] == "" {
		return fmt.Errorf("unknown transition %d", t) // at which raft panics
	}
	if n := len(cc.Changes) + len(c.Tracker.Progress); n > maxMembers {
		return fmt.Errorf("%d members and changes, want at most %d", n, maxMembers)
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
	}{{Outgoing, cs.VotersOutgoing}, {LearnerNext, cs.LearnersNext}, {Learner, cs.Learners}, {Voter, cs.Voters}} {
		for _, id := range set.ids {
			roles[id] = set.role
		}
	}
	var members []Member
	for id, role := range roles {
		m := Member{ID: id, Role: role}
		if a := addresses[id]; !strings.ContainsFunc(a, noPart) {
			m.Address = a
		}
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
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

// noPart reports whether a character can be no part of an address, and would
// break a line that has it.
func noPart(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) }
