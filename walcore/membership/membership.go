package membership

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/confstate"
	"github.com/walfs/walfs/walcore/payload"
	"go.etcd.io/raft/v3/raftpb"
)

// Role is what a member does.
type Role string

// A member has one role: during a joint configuration, when it can be in more than
// one of Raft's sets, the first of these.
const (
	Voter       Role = "voter"
	Learner     Role = "learner"      // gets the log, does not vote
	LearnerNext Role = "learner_next" // votes until the joint configuration is left, then is a learner
	Outgoing    Role = "outgoing"     // votes until the joint configuration is left, then is no member
)

// Member is one node. Address is empty where neither the snapshot nor a
// configuration change in the log has it. Dgraph's have the addresses of all nodes
// but the one that began the group. An etcd can have more than one, with commas between them.
type Member struct {
	ID      uint64
	Text    string // the id as its system writes it: etcd in hex
	Role    Role
	Name    string // etcd's members have names
	Address string
}

// ErrMisfit is confstate.ErrMisfit: a configuration change cannot be applied.
var ErrMisfit = confstate.ErrMisfit

// ErrNotKnown: the log does not have a commit index.
var ErrNotKnown = errors.New("the log does not tell its commit index")

// Replay gives the members as of the commit index, sorted by id; or, where that is not kept,
// as HashiCorp's library does not, those of the last configuration in the log. It fails with
// ErrMisfit; with ErrNotKnown; and with ErrDamaged if the hard state, the snapshot,
// or a committed entry that may be a configuration change cannot be read.
func Replay(l walcore.Log) ([]Member, error) {
	if l.Meta().System.Name == walcore.HashiCorp {
		return lastServers(l)
	}
	cs, snapshot, commit, err := bounds(l.Meta())
	if err != nil {
		return nil, err
	}
	replay, err := begin(cs)
	if err != nil {
		return nil, err
	}
	nodes := payload.SnapshotNodes(l)
	next := snapshot + 1
	for e := range l.Entries(0) {
		if e.Index > commit {
			break
		}
		if e.Index > snapshot {
			if err := gap(l, next, e.Index-1); err != nil {
				return nil, err
			}
			next = e.Index + 1
		}
		typ := raftpb.EntryType(e.Type)
		if !confstate.IsChange(typ) {
			continue
		}
		data, err := changeData(&e)
		if err != nil {
			return nil, err
		}
		learn(nodes, l, &e, data)
		if e.Index <= snapshot { // the snapshot's conf state contains it already
			continue
		}
		if err := replay.Apply(typ, e.Index, data); err != nil {
			return nil, err
		}
	}
	if err := atEnd(l, next, commit); err != nil {
		return nil, err
	}
	return members(replay.ConfState(), nodes, l.Meta().System), nil
}

// changeData reads a configuration change.
func changeData(e *walcore.Entry) ([]byte, error) {
	if e.Size > payload.MaxData {
		return nil, fmt.Errorf("entry %d, a configuration change, has %d bytes: too many to be one: %w", e.Index, e.Size, walcore.ErrDamaged)
	}
	return e.Data()
}

func misfit(e *walcore.Entry) error {
	return fmt.Errorf("entry %d, a configuration, %w: it does not parse", e.Index, ErrMisfit)
}

// learn notes what a configuration change tells of a member.
func learn(nodes map[uint64]payload.Node, l walcore.Log, e *walcore.Entry, data []byte) {
	if id, node, ok := payload.NodeOf(l.Meta().System.Name, payload.EntryOf(e, data)); ok {
		node.Name = cmp.Or(node.Name, nodes[id].Name)
		nodes[id] = node
	}
}

// bounds is what configuration changes are applied to, and which: those behind the
// snapshot, up to the commit index.
func bounds(m *walcore.Meta) (cs walcore.ConfState, snapshot, commit uint64, err error) {
	if m.Damaged && (m.HardState == nil || m.Snapshot == nil) {
		return cs, 0, 0, fmt.Errorf("the hard state or the snapshot cannot be read: %w", walcore.ErrDamaged)
	}
	if m.HardState == nil {
		return cs, 0, 0, ErrNotKnown
	}
	if m.Snapshot != nil {
		cs, snapshot = m.Snapshot.ConfState, m.Snapshot.Index
	}
	return cs, snapshot, m.HardState.Commit, nil
}

// gap fails if the log once held an entry in a range from which none came.
func gap(l walcore.Log, first, last uint64) error {
	if err := l.Gap(first, last); err != nil {
		return fmt.Errorf("%w; it may be a configuration change", err)
	}
	return nil
}

// atEnd fails if the log ends before the commit index. next is the index behind the
// last entry.
func atEnd(l walcore.Log, next, commit uint64) error {
	if next > commit {
		return nil
	}
	if err := gap(l, next, commit); err != nil {
		return err
	}
	return fmt.Errorf("entries %d to %d are committed, but not in the log: %w", next, commit, walcore.ErrDamaged)
}

func begin(cs walcore.ConfState) (*confstate.Replay, error) {
	return confstate.From(&raftpb.ConfState{Voters: cs.Voters, Learners: cs.Learners,
		VotersOutgoing: cs.VotersOutgoing, LearnersNext: cs.LearnersNext, AutoLeave: &cs.AutoLeave})
}

func members(cs *raftpb.ConfState, nodes map[uint64]payload.Node, s *walcore.System) []Member {
	roles := map[uint64]Role{}
	for _, set := range []struct {
		role Role
		ids  []uint64
	}{{Outgoing, cs.VotersOutgoing}, {LearnerNext, cs.LearnersNext}, {Learner, cs.Learners}, {Voter, cs.Voters}} {
		for _, id := range set.ids {
			roles[id] = set.role
		}
	}
	var list []Member
	for id, role := range roles {
		m := Member{ID: id, Text: s.ID(id), Role: role}
		node := nodes[id]
		if !strings.ContainsFunc(node.Address, noPart) {
			m.Address = node.Address
		}
		if !strings.ContainsFunc(node.Name, noPart) {
			m.Name = node.Name
		}
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// String is the member's line in meta/members: id, role, and address and name where they
// are known.
func (m Member) String() string {
	s := fmt.Sprintf("%s %s", m.Text, m.Role)
	if m.Address != "" {
		s += " " + m.Address
	}
	if m.Name != "" {
		s += " " + m.Name
	}
	return s
}

// noPart reports whether a character cannot be part of an address. A space or a
// newline would break the member's line.
func noPart(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) }
