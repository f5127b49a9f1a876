package fsview

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/membership"
)

func (t *Tree) metaFolder() *fixedFolder {
	m := t.log.Meta()
	texts := metaTexts{tree: t, next: textMeta}
	top := texts.folder(func() {
		texts.number("raft_id", m.RaftID)
		texts.number("group_id", m.GroupID)
		texts.number("checkpoint_index", m.CheckpointIndex)
		texts.number("snapshot_index", m.SnapshotIndex)
		texts.number("snapshot_term", m.SnapshotTerm)
		texts.index("first_index", t.log.FirstIndex)
		texts.index("last_index", t.log.LastIndex)
	})
	hard := texts.folder(func() {
		hs := m.HardState
		texts.value("term", hs != nil, func() string { return decimal(hs.Term) })
		texts.value("vote", hs != nil, func() string { return decimal(hs.Vote) })
		texts.value("commit", hs != nil, func() string { return decimal(hs.Commit) })
	})
	conf := texts.folder(func() {
		known := m.Snapshot != nil
		var cs walcore.ConfState
		if known {
			cs = m.Snapshot.ConfState
		}
		texts.value("voters", known, func() string { return lines(cs.Voters) + servers(cs, true) })
		texts.value("learners", known, func() string { return lines(cs.Learners) + servers(cs, false) })
		texts.value("voters_outgoing", known, func() string { return lines(cs.VotersOutgoing) })
		texts.value("learners_next", known, func() string { return lines(cs.LearnersNext) })
		texts.value("auto_leave", known, func() string { return strconv.FormatBool(cs.AutoLeave) + "\n" })
	})
	named := texts.folder(func() {
		texts.value("node_id", m.NodeID != nil, func() string { return hexID(*m.NodeID) })
		texts.value("cluster_id", m.ClusterID != nil, func() string { return hexID(*m.ClusterID) })
		st := m.Stable
		texts.value("current_term", st != nil, func() string { return decimal(st.CurrentTerm) })
		texts.value("last_vote_term", st != nil, func() string { return decimal(st.LastVoteTerm) })
		texts.value("last_vote_candidate", st != nil, func() string { return st.LastVoteCandidate + "\n" })
	})
	items := append(top.items, named.items...)
	items = append(items, t.addText("members", textMembers, &m.Attr, func() ([]byte, error) { return membersText(t.log) }))
	if m.HardState != nil || m.Damaged && m.System.Name != walcore.HashiCorp {
		items = append(items, t.addFolder("hard_state", folderHardState, hard))
	}
	if m.Snapshot != nil || m.Damaged {
		items = append(items, t.addFolder("conf_state", folderConfState, conf))
	}
	f := newFixedFolder(items...)
	f.unreadable = func(name string) string { return cmp.Or(top.unreadable(name), named.unreadable(name)) }
	return f
}

// metaTexts makes the texts of meta/. Each has a number, whether or not its value is
// known: the order of the calls says which.
type metaTexts struct {
	tree *Tree
	next uint64 // the number of the next text
	// of the folder that is being filled
	items   []item
	unknown []string // names of values that are damaged
}

// folder makes the folder of the texts that fill adds.
func (m *metaTexts) folder(fill func()) *fixedFolder {
	m.items, m.unknown = nil, nil
	fill()
	f, unknown := newFixedFolder(m.items...), m.unknown
	f.unreadable = func(name string) string {
		if slices.Contains(unknown, name) {
			return notKnown
		}
		return ""
	}
	return f
}

const notKnown = "is not known"

// notKept are the values that a system has never had: none of them is damaged.
var notKept = map[string][]string{
	walcore.Dgraph:    {"node_id", "cluster_id", "current_term", "last_vote_term", "last_vote_candidate"},
	walcore.Etcd:      {"raft_id", "group_id", "checkpoint_index", "current_term", "last_vote_term", "last_vote_candidate"},
	walcore.HashiCorp: {"raft_id", "group_id", "checkpoint_index", "node_id", "cluster_id"},
}

// value adds a text if the value is known. If it is not because of damage, a look-up
// says so.
func (m *metaTexts) value(name string, known bool, body func() string) {
	number := m.next
	m.next++
	if known {
		m.add(name, number, func() ([]byte, error) { return []byte(body()), nil })
	} else if of := m.tree.log.Meta(); of.Damaged && !slices.Contains(notKept[of.System.Name], name) {
		m.unknown = append(m.unknown, name)
	}
}

func (m *metaTexts) number(name string, v *uint64) {
	m.value(name, v != nil, func() string { return decimal(*v) })
}

// index adds a text whose value takes a look at the log. Whether it is known turns out
// then.
func (m *metaTexts) index(name string, get func() (index uint64, known bool)) {
	m.add(name, m.next, func() ([]byte, error) {
		index, known := get()
		if !known {
			return nil, unreadableError(name, notKnown)
		}
		return []byte(decimal(index)), nil
	})
	m.next++
}

func (m *metaTexts) add(name string, number uint64, body func() ([]byte, error)) {
	m.items = append(m.items, m.tree.addText(name, number, &m.tree.log.Meta().Attr, body))
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) + "\n" }

// hexID is an id as etcd prints it.
func hexID(n uint64) string { return strconv.FormatUint(n, 16) + "\n" }

func servers(cs walcore.ConfState, voters bool) string {
	var b strings.Builder
	for _, s := range cs.Servers {
		if s.Voter == voters {
			b.WriteString(s.ID + "\n")
		}
	}
	return b.String()
}

func lines(ids []uint64) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(decimal(id))
	}
	return b.String()
}

// membersText is meta/members: a line for each member. It is a note instead if the log
// does not tell what is committed, or has configuration changes that are not Raft's:
// neither is damage.
func membersText(log walcore.Log) ([]byte, error) {
	members, err := membership.Replay(log)
	if errors.Is(err, membership.ErrMisfit) || errors.Is(err, membership.ErrNotKnown) {
		return fmt.Appendf(nil, "# unknown: %v\n", err), nil
	}
	if err != nil {
		return nil, err
	}
	var b []byte
	for _, m := range members {
		b = fmt.Appendln(b, m)
	}
	return b, nil
}
