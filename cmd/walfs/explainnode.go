package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/explain"
	"github.com/walfs/walfs/walcore/membership"
)

// who says whose directory it is, and who was in the group.
func (p *page) who() {
	p.say("%s.", p.nodeText())
	if p.App == nil && p.isDgraphs() {
		p.say("What its entries mean is not known: %s.", p.whyNot("app"))
	}
	switch {
	case p.Members == nil:
		p.say("Who is in the group is not known: %s.", p.whyNot("members"))
	case len(p.Members) == 0:
		p.say("The log names no members as of %s.", membersAsOf(p.System))
	default:
		p.say("As of %s, the group has %s.", membersAsOf(p.System), p.groupText())
	}
	p.say("Who leads is not known: a log does not say.")
}

// isDgraphs reports whether the log may be one of Dgraph's: it is not that of a system that
// does otherwise.
func (p *page) isDgraphs() bool { return p.System != walcore.Etcd && p.System != walcore.HashiCorp }

func (p *page) nodeText() string {
	name := "A node that keeps its log as " + cmp.Or(map[string]string{"dgraph": "Dgraph"}[p.System], p.System) + " does"
	switch {
	case p.System == walcore.Etcd && p.NodeID != "":
		return fmt.Sprintf("A member of etcd, %s, of cluster %s", p.NodeID, p.ClusterID)
	case p.System == walcore.HashiCorp:
		return "A node that keeps its log with HashiCorp's library, as those of Consul, Nomad and Vault do; its own id is not in it"
	case p.isAlpha():
		name = "An Alpha of Dgraph"
	case p.isZero():
		name = "A Zero of Dgraph"
	}
	if p.RaftID == nil {
		return fmt.Sprintf("%s; its raft id is not known: %s", name, p.whyNot("raft_id"))
	}
	text := fmt.Sprintf("%s, raft id %d", name, *p.RaftID)
	if p.GroupID != nil && (*p.GroupID != 0 || p.isAlpha()) {
		text += fmt.Sprintf(", group %d", *p.GroupID)
	}
	return text
}

// groupText lists the members by role.
func (p *page) groupText() string {
	var roles []string
	for _, role := range []struct {
		role      membership.Role
		one, more string
	}{
		{membership.Voter, "voter", "voters"},
		{membership.Outgoing, "voter that is leaving", "voters that are leaving"},
		{membership.Learner, "learner", "learners"},
		{membership.LearnerNext, "voter that becomes a learner", "voters that become learners"},
	} {
		var names []string
		for _, m := range p.Members {
			if m.Role == role.role {
				names = append(names, p.memberText(m))
			}
		}
		if len(names) > 0 {
			roles = append(roles, fmt.Sprintf("%s: %s", many(len(names), role.one, role.more), and(names)))
		}
	}
	text := roles[0]
	for _, r := range roles[1:] {
		text += "; " + r
	}
	return text
}

func (p *page) memberText(m explain.Member) string {
	var more []string
	if p.IsOwn(m.ID) {
		more = append(more, "this node")
	}
	for _, s := range []string{m.Name, m.Address} {
		if s != "" {
			more = append(more, s)
		}
	}
	if len(more) == 0 {
		return m.Text
	}
	return m.Text + " (" + strings.Join(more, ", ") + ")"
}

// ownText is the node's own id.
func (p *page) ownText() string {
	if p.RaftID != nil {
		return fmt.Sprint(*p.RaftID)
	}
	return p.NodeID
}

// standing says what is committed, applied, and in the snapshot.
func (p *page) standing() {
	p.logText()
	p.snapshotText()
	if h := p.HardState; h == nil {
		p.say("What is committed is not known: %s.", p.whyNot("hard_state"))
	} else if h.Commit == 0 {
		p.say("Nothing is committed.")
	} else {
		p.say("Entries up to %s are committed.", num(h.Commit))
	}
	p.appliedText()
	switch {
	case p.Missing && p.HardState == nil:
		p.say("Some of the entries are missing or damaged: walfs check DIR says which. What is said below leaves them out.")
	case p.Missing:
		p.say("But some of the committed entries are missing or damaged: walfs check DIR says which. What is said below leaves them out.")
	}
	switch u := p.Uncommitted; {
	case u != nil && u.First == u.Last:
		p.say("Entry %s is behind the commit index: it may not be committed, and a new leader may replace it.", num(u.First))
	case u != nil:
		p.say("The %s behind the commit index, %s, may not be committed, and a new leader may replace them.",
			entries(u.Last-u.First+1), from(u.First, u.Last, num[uint64]))
	case p.HardState != nil && p.LastIndex != nil && p.HardState.Commit <= *p.LastIndex && p.Entries > 0:
		p.say("No entry is behind the commit index.")
	}
}

func (p *page) logText() {
	live := p.Entries - p.Dead.Entries
	switch {
	case p.FirstIndex == nil || p.LastIndex == nil:
		p.say("Which entries the log has is not known: it is damaged. %s can be found.", entries(p.Entries))
	case p.Entries == 0:
		p.say("The log has no entries.")
	case live == 0:
		p.say("The log has no entries behind its snapshot.")
	default:
		p.say("The log has %s, %s.", theEntries(*p.FirstIndex, *p.LastIndex), many(p.Bytes-p.Dead.Bytes, "byte", "bytes"))
	}
}

func (p *page) snapshotText() {
	switch s := p.Snapshot; {
	case s == nil:
		p.say("Its snapshot is not known: %s.", p.whyNot("snapshot"))
	case s.Index == 0:
		p.say("There is no snapshot.")
	default:
		p.say("The snapshot, of term %d and %s, stands for all up to entry %s.", s.Term, many(s.Size, "byte", "bytes"), num(s.Index))
	}
	if d := p.Dead; d.Entries > 0 {
		p.say("Of those, %s, %s, %s still on disk.", entries(d.Entries), many(d.Bytes, "byte", "bytes"), isAre(d.Entries))
	}
}

func isAre(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func (p *page) appliedText() {
	switch at := p.CheckpointIndex; {
	case p.isZero():
		p.say("What is applied is not known: a Zero does not store it.")
	case at == nil:
		p.say("What is applied is not known: %s.", p.whyNot("checkpoint_index"))
	case *at == 0 && p.HardState != nil && p.HardState.Commit == 0:
	case *at == 0:
		p.say("What is applied is not known: no checkpoint is stored yet, which a node does at most once a minute.")
	case p.HardState != nil && p.HardState.Commit == *at:
		p.say("All of them are applied: the checkpoint is %s, too.", num(*at))
	default:
		p.say("Applied are those up to %s, the checkpoint, and maybe more: a node stores it at most once a minute.", num(*at))
	}
}
