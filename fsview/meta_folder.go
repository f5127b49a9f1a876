package fsview

import (
	"slices"
	"strconv"
	"strings"

	"github.com/walfs/walfs/walcore"
)

func (t *Tree) meta() *fixedFolder {
	m := t.log.Meta()
	texts := metaTexts{tree: t, next: textMeta}
	top := texts.folder(func() {
		texts.number("raft_id", m.RaftID)
		texts.number("group_id", m.GroupID)
		texts.number("checkpoint_index", m.CheckpointIndex)
		texts.number("snapshot_index", m.SnapshotIndex)
		texts.number("snapshot_term", m.SnapshotTerm)
		texts.computed("first_index", t.log.FirstIndex)
		texts.computed("last_index", t.log.LastIndex)
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
		texts.value("voters", known, func() string { return lines(cs.Voters) })
		texts.value("learners", known, func() string { return lines(cs.Learners) })
		texts.value("voters_outgoing", known, func() string { return lines(cs.VotersOutgoing) })
		texts.value("learners_next", known, func() string { return lines(cs.LearnersNext) })
		texts.value("auto_leave", known, func() string { return strconv.FormatBool(cs.AutoLeave) + "\n" })
	})
	items := append(top.items, t.text("members", textMembers, &m.Attr, func() ([]byte, error) { return membersText(t.log) }))
	if m.HardState != nil || m.Damaged {
		items = append(items, t.place("hard_state", folderHardState, hard))
	}
	if m.Snapshot != nil || m.Damaged {
		items = append(items, t.place("conf_state", folderConfState, conf))
	}
	f := newFixedFolder(items...)
	f.lost = top.lost
	return f
}

// metaTexts gives each value its node, in the order in which they are added.
type metaTexts struct {
	tree *Tree
	next uint64
	// of the folder that is being filled
	items []item
	lost  []string
}

func (m *metaTexts) folder(fill func()) *fixedFolder {
	m.items, m.lost = nil, nil
	fill()
	f, lost := newFixedFolder(m.items...), m.lost
	f.lost = func(name string) string {
		if slices.Contains(lost, name) {
			return "is not known"
		}
		return ""
	}
	return f
}

// value adds a file if its value is known. If it was lost, its name is kept: a
// look-up says so.
func (m *metaTexts) value(name string, known bool, body func() string) {
	n := pair(kindText, m.next, 0)
	m.next++
	if !known {
		if m.tree.log.Meta().Damaged {
			m.lost = append(m.lost, name)
		}
		return
	}
	x := newText(&m.tree.log.Meta().Attr, func() ([]byte, error) { return []byte(body()), nil })
	m.items = append(m.items, m.tree.put(name, n, x))
}

func (m *metaTexts) number(name string, v *uint64) {
	m.value(name, v != nil, func() string { return decimal(*v) })
}

// computed adds a value that takes a look at the log. Whether it is known turns
// out then.
func (m *metaTexts) computed(name string, get func() (uint64, bool)) {
	n := pair(kindText, m.next, 0)
	m.next++
	x := newText(&m.tree.log.Meta().Attr, func() ([]byte, error) {
		v, known := get()
		if !known {
			return nil, lostError(name, "is not known")
		}
		return []byte(decimal(v)), nil
	})
	m.items = append(m.items, m.tree.put(name, n, x))
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) + "\n" }

func lines(ids []uint64) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(decimal(id))
	}
	return b.String()
}
