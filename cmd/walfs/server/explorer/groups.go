package explorer

import (
	"strings"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
)

// groupOf names the group that a log says it is of: replicas of one another have the same.
// HashiCorp's library keeps no name of a cluster, so that all of its logs count as one's.
func groupOf(log walcore.Log) string {
	w := whoIs(log)
	if w.Group == "" && log.Meta().System.Name != walcore.HashiCorp {
		return w.System + ", group not known"
	}
	return strings.TrimSuffix(w.System+", "+w.Group, ", ")
}

// group is logs that say they are of one group.
type group struct {
	Name    string
	Moments []*replica.Moment
}

// groups are the replicas by their group, in the order in which they were given.
func groups(replicas []*replica.Replica) []group {
	var list []group
	at := map[string]int{}
	for _, r := range replicas {
		now := r.Now()
		name := groupOf(now.Log)
		i, ok := at[name]
		if !ok {
			i = len(list)
			at[name] = i
			list = append(list, group{Name: name})
		}
		list[i].Moments = append(list[i].Moments, now)
	}
	return list
}

// parting is the first index at which two logs have entries of different terms.
type parting struct {
	Index        uint64
	A, B         string // the replicas' names
	TermA, TermB uint64
}

// Link is the address with the entries there.
func (p *parting) Link() string { return diffAt([]string{p.A, p.B}, p.Index) }

// parted finds where logs part, as far as their terms tell.
func parted(moments []*replica.Moment) *parting {
	var first *parting
	for i, a := range moments {
		for _, b := range moments[i+1:] {
			index, s, t, ok := partedTerms(a.Log.Terms(), b.Log.Terms())
			if ok && (first == nil || index < first.Index) {
				first = &parting{index, a.Replica.Name, b.Replica.Name, s, t}
			}
		}
	}
	return first
}

// partedTerms finds the first index that has two terms.
func partedTerms(a, b []walcore.TermSpan) (index, termA, termB uint64, found bool) {
	for len(a) > 0 && len(b) > 0 {
		s, t := a[0], b[0]
		if from := max(s.First, t.First); from <= min(s.Last, t.Last) && s.Term != t.Term {
			return from, s.Term, t.Term, true
		}
		if s.Last < t.Last {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return 0, 0, 0, false
}
