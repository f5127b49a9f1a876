package explorer

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/status"
)

// who is whose log it is, in words.
type who struct {
	System string // Dgraph Alpha
	Node   string // its id; "": not known
	Group  string // group 1, cluster cdf8…; "": not known
}

// systemNames are the systems as they write themselves.
var systemNames = map[string]string{
	walcore.Dgraph: "Dgraph", walcore.Etcd: "etcd", walcore.HashiCorp: "HashiCorp Raft",
}

// who is whose log a replica is: of Dgraph's, with the program.
func (x *explorer) who(now *replica.Moment) who {
	w := whoIs(now.Log)
	if now.Log.Meta().System.Name == walcore.Dgraph {
		w.System += map[payload.App]string{payload.Alpha: " Alpha", payload.Zero: " Zero"}[x.derived(now.Replica).app(now.Log)]
	}
	return w
}

func whoIs(log walcore.Log) who {
	m := log.Meta()
	w := who{System: cmp.Or(systemNames[m.System.Name], m.System.Name)}
	switch {
	case m.NodeID != nil:
		w.Node = m.System.ID(*m.NodeID)
	case m.RaftID != nil:
		w.Node = m.System.ID(*m.RaftID)
	}
	switch {
	case m.ClusterID != nil:
		w.Group = "cluster " + strconv.FormatUint(*m.ClusterID, 16)
	case m.GroupID != nil:
		w.Group = "group " + strconv.FormatUint(*m.GroupID, 10)
	}
	return w
}

// vote says whom the node has voted for.
func vote(m *walcore.Meta) (text string, known bool) {
	switch {
	case m.HardState != nil && m.HardState.Vote == 0:
		return "nobody", true
	case m.HardState != nil:
		return m.System.ID(m.HardState.Vote), true
	case m.Stable != nil && m.Stable.LastVoteCandidate == "":
		return "nobody", true
	case m.Stable != nil:
		return fmt.Sprintf("%s, in term %s", m.Stable.LastVoteCandidate, status.Grouped(m.Stable.LastVoteTerm)), true
	}
	return "", false
}

// term is the one that the node is in; known is false where its directory does not tell.
func term(m *walcore.Meta) (term uint64, known bool) {
	switch {
	case m.HardState != nil:
		return m.HardState.Term, true
	case m.Stable != nil:
		return m.Stable.CurrentTerm, true
	}
	return 0, false
}

// notKept says why something is not known.
func notKept(m *walcore.Meta) string {
	if m.Damaged {
		return "not known: the metadata are damaged"
	}
	return fmt.Sprintf("not known: %s keeps none on disk", cmp.Or(systemNames[m.System.Name], m.System.Name))
}

// members is who is in the group, as the log has it.
type members struct {
	Own              *membership.Member // the node itself; nil: it is not among them, or not known
	Voters, Learners int
	Joint            bool   // a change of them has begun and not ended
	Problem          string // why they are not known
}

func membersOf(list []membership.Member, err error, node string) members {
	if err != nil {
		return members{Problem: err.Error()}
	}
	var m members
	for i := range list {
		switch list[i].Role {
		case membership.Voter:
			m.Voters++
		case membership.Learner:
			m.Learners++
		default:
			m.Joint = true
		}
		if list[i].Text == node {
			m.Own = &list[i]
		}
	}
	return m
}

// lastWritten is when the log was last written, as far as that is known: what says so is the
// last entry's own time, or that of its log file.
func lastWritten(log walcore.Log) (at time.Time, stored bool) {
	last, ok := log.LastIndex()
	if e, err := log.Entry(last); ok && err == nil {
		if at, stored := e.Time(); stored {
			return at, true
		}
	}
	if f, ok := log.(walcore.Filer); ok {
		for _, file := range f.Files() {
			if file.Attr.Mtime.After(at) {
				at = file.Attr.Mtime
			}
		}
	}
	return at, false
}
