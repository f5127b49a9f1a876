package diff

import (
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/status"
)

// newReplica gives also how many bytes the payloads have.
func newReplica(l walcore.Log) (replica Replica, bytes int64) {
	s := status.New(l)
	rep := Replica{Dir: l.Meta().Path, System: s.System, NodeID: s.NodeID, ClusterID: s.ClusterID, RaftID: s.RaftID, GroupID: s.GroupID,
		HardState: s.HardState, Stable: s.Stable, Snapshot: s.Snapshot, Problems: len(s.Problems), system: l.Meta().System}
	if n := len(s.Terms); n > 0 {
		rep.FirstIndex, rep.LastIndex = s.Terms[0].FirstIndex, s.Terms[n-1].LastIndex
	}
	rep.endKnown = s.LastIndex != nil
	return rep, int64(*s.Bytes)
}

func common(replicas []Replica) *Range {
	c := Range{First: 1, Last: replicas[0].LastIndex}
	for _, r := range replicas {
		c.First = max(c.First, r.FirstIndex)
		c.Last = min(c.Last, r.LastIndex)
	}
	if c.First > c.Last {
		return nil
	}
	return &c
}

// ahead compares each replica with the one whose log reaches furthest. A replica
// that has a snapshot instead of entries does not lack them. One whose last log
// file cannot be read is left out: how far its log reaches is not known.
func ahead(replicas []Replica) []Ahead {
	best := replicas[0]
	for _, r := range replicas {
		if r.LastIndex > best.LastIndex {
			best = r
		}
	}
	list := []Ahead{}
	for _, r := range replicas {
		reach := r.LastIndex
		if r.Snapshot != nil {
			reach = max(reach, r.Snapshot.Index)
		}
		if reach < best.LastIndex && r.endKnown {
			list = append(list, Ahead{Dir: best.Dir, Behind: r.Dir, Range: Range{First: reach + 1, Last: best.LastIndex}})
		}
	}
	return list
}

// groupOf names the group that a replica says it is of, or is "".
func groupOf(r *Replica) string {
	switch {
	case r.GroupID != nil:
		return fmt.Sprintf("group %d", *r.GroupID)
	case r.ClusterID != "":
		return "cluster " + r.ClusterID
	case r.System == walcore.HashiCorp:
		return "a cluster of HashiCorp's library"
	}
	return ""
}

// groups notes which replicas name different groups, and reports whether none do.
func groups(replicas []Replica) (notes []string, one bool) {
	notes = []string{}
	for i, a := range replicas {
		for _, b := range replicas[i+1:] {
			if x, y := groupOf(&a), groupOf(&b); x != "" && y != "" && x != y {
				notes = append(notes, fmt.Sprintf("%s is of %s, %s of %s: they are no replicas of one another", a.Dir, x, b.Dir, y))
			}
		}
	}
	return notes, len(notes) == 0
}
