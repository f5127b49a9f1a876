package membership

import (
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/confstate"
	"github.com/walfs/walfs/walcore/payload"
	"go.etcd.io/raft/v3/raftpb"
)

// Step is the group from an index on.
type Step struct {
	Index, Term uint64
	Snapshot    bool     // it is what the snapshot says, not a change
	Changes     []string // what the change did: added voter 4
	Members     []Member // after it, sorted by id
	Committed   *bool    // nil: not known
}

// What bounds a History: steps, and about the bytes of memory that they take. A real group has a
// dozen members.
const (
	maxSteps     = 10_000
	maxStepBytes = 64 << 20
)

// History is who was in the group, change by change: what the snapshot says, if there is one,
// and each change behind it, also those that are not committed. Of more than 10,000 it gives the
// last ones. It reads changes alone, no other entry's payload.
//
// Where a change, or an entry that may be one, cannot be read, or does not fit, it gives the
// steps before with the error: those of Replay.
func History(l walcore.Log) ([]Step, error) {
	m := l.Meta()
	if m.Snapshot == nil && m.Damaged {
		return nil, fmt.Errorf("the snapshot cannot be read: %w", walcore.ErrDamaged)
	}
	h := history{most: maxSteps, mostBytes: maxStepBytes}
	g, err := groupOf(l)
	if err != nil {
		return nil, err
	}
	snapshot, next := uint64(0), uint64(1)
	if first, known := l.FirstIndex(); known {
		next = first
	}
	if s := m.Snapshot; s != nil && s.Index > 0 {
		snapshot = s.Index
		next = max(next, snapshot+1)
		for e := range l.Entries(0) {
			if e.Index > snapshot {
				break
			}
			if !g.isChange(e.Type) {
				continue
			}
			data, err := changeData(&e)
			if err != nil {
				return nil, err
			}
			g.learn(&e, data)
		}
		h.add(Step{Index: s.Index, Term: s.Term, Snapshot: true, Members: g.members(), Committed: new(true)})
	}
	for e := range l.Entries(next) {
		if err := gap(l, next, e.Index-1); err != nil {
			return h.steps, err
		}
		next = e.Index + 1
		if !g.isChange(e.Type) {
			continue
		}
		data, err := changeData(&e)
		if err != nil {
			return h.steps, err
		}
		g.learn(&e, data)
		if err := g.apply(&e, data); err != nil {
			return h.steps, err
		}
		h.add(Step{Index: e.Index, Term: e.Term, Members: g.members(), Committed: committed(m, e.Index)})
	}
	if last, known := l.LastIndex(); known && next <= last {
		return h.steps, gap(l, next, last)
	}
	return h.steps, nil
}

// committed reports whether an index behind the snapshot is; nil where that is not known.
func committed(m *walcore.Meta, index uint64) *bool {
	if m.HardState == nil {
		return nil
	}
	return new(index <= m.HardState.Commit)
}

// history is steps, and about how many bytes they take.
type history struct {
	steps []Step
	bytes int
	last  []Member

	most, mostBytes int
}

// add adds a step, and says what it changed.
func (h *history) add(s Step) {
	if !s.Snapshot {
		s.Changes = differences(h.last, s.Members)
	}
	h.last = s.Members
	h.steps = append(h.steps, s)
	h.bytes += stepBytes(&s)
	for len(h.steps) > h.most || h.bytes > h.mostBytes && len(h.steps) > 1 {
		h.bytes -= stepBytes(&h.steps[0])
		h.steps[0] = Step{} // the memory of the list is used again late
		h.steps = h.steps[1:]
	}
}

func stepBytes(s *Step) int {
	n := 100
	for _, m := range s.Members {
		n += 100 + len(m.Text) + len(m.Name) + len(m.Address)
	}
	for _, c := range s.Changes {
		n += 16 + len(c)
	}
	return n
}

// differences says what has become of members, in words.
func differences(before, after []Member) []string {
	was := map[string]Member{}
	for _, m := range before {
		was[m.Text] = m
	}
	var list []string
	for _, m := range after {
		old, known := was[m.Text]
		delete(was, m.Text)
		switch {
		case !known:
			list = append(list, fmt.Sprintf("added %s %s%s", m.Role, m.Text, at(m)))
			continue
		case old.Role != m.Role:
			list = append(list, fmt.Sprintf("%s %s is now %s", old.Role, m.Text, m.Role))
		}
		if old.Address != m.Address {
			list = append(list, fmt.Sprintf("%s %s is now%s", m.Role, m.Text, at(m)))
		}
	}
	for _, m := range before {
		if _, gone := was[m.Text]; gone {
			list = append(list, fmt.Sprintf("removed %s %s", m.Role, m.Text))
		}
	}
	if list == nil {
		return []string{"changed nothing"}
	}
	return list
}

func at(m Member) string {
	if m.Address == "" {
		return ""
	}
	return " at " + m.Address
}

// group is a group to which changes are applied.
type group interface {
	isChange(t walcore.EntryType) bool
	// learn notes what a change tells of a member, beside its role.
	learn(e *walcore.Entry, data []byte)
	apply(e *walcore.Entry, data []byte) error
	members() []Member
}

// groupOf is the group as the log's snapshot has it.
func groupOf(l walcore.Log) (group, error) {
	var cs walcore.ConfState
	if s := l.Meta().Snapshot; s != nil {
		cs = s.ConfState
	}
	if l.Meta().System.Name == walcore.HashiCorp {
		return &serverGroup{cs.Servers}, nil
	}
	replay, err := begin(cs)
	if err != nil {
		return nil, err
	}
	return &numbered{l, replay, payload.SnapshotNodes(l)}, nil
}

// numbered is a group whose members have numbers.
type numbered struct {
	log    walcore.Log
	replay *confstate.Replay
	nodes  map[uint64]payload.Node
}

func (g *numbered) isChange(t walcore.EntryType) bool { return confstate.IsChange(raftpb.EntryType(t)) }

func (g *numbered) learn(e *walcore.Entry, data []byte) { learn(g.nodes, g.log, e, data) }

func (g *numbered) apply(e *walcore.Entry, data []byte) error {
	return g.replay.Apply(raftpb.EntryType(e.Type), e.Index, data)
}

func (g *numbered) members() []Member {
	return members(g.replay.ConfState(), g.nodes, g.log.Meta().System)
}

// serverGroup is a group of HashiCorp's library. Each configuration names all of them.
type serverGroup struct{ list []walcore.Server }

func (g *serverGroup) isChange(t walcore.EntryType) bool { return t == walcore.LogConfiguration }

// learn has nothing to note: addresses are in the configuration.
func (g *serverGroup) learn(*walcore.Entry, []byte) {}

func (g *serverGroup) apply(e *walcore.Entry, data []byte) error {
	list, ok := payload.Servers(data)
	if !ok {
		return misfit(e)
	}
	g.list = list
	return nil
}

func (g *serverGroup) members() []Member { return named(g.list) }
