package replicas

import (
	"fmt"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore"
)

func newReplica(r *walcore.Reader) Replica {
	s := fsview.NewStatus(r)
	rep := Replica{Dir: r.Path, RaftID: s.RaftID, GroupID: s.GroupID, HardState: s.HardState,
		Snapshot: s.Snapshot, Problems: len(s.Problems)}
	for e := range r.Log().Entries(0) {
		rep.FirstIndex = e.Index
		break
	}
	if last, ok := r.Log().Last(); ok {
		rep.LastIndex = last.Index
	}
	_, rep.endKnown = r.LastIndex()
	return rep
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

// ahead compares each replica with the one whose log reaches furthest. Who has
// got a snapshot instead of entries does not lack them, nor does one whose last
// log file cannot be read.
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

// notes are what replicas of one group cannot have in common, or must.
func notes(replicas []Replica) (list []string, oneGroup bool) {
	list, oneGroup = []string{}, true
	for i, a := range replicas {
		for _, b := range replicas[i+1:] {
			if a.GroupID != nil && b.GroupID != nil && *a.GroupID != *b.GroupID {
				oneGroup = false
				list = append(list, fmt.Sprintf("%s is of group %d, %s of group %d: they are no replicas of one another",
					a.Dir, *a.GroupID, b.Dir, *b.GroupID))
			}
			if s, t := a.Snapshot, b.Snapshot; s != nil && t != nil && s.Index > 0 && s.Index == t.Index && s.Term != t.Term {
				list = append(list, fmt.Sprintf("the snapshots at index %d differ: term %d in %s, term %d in %s",
					s.Index, s.Term, a.Dir, t.Term, b.Dir))
			}
		}
	}
	return list, oneGroup
}
