package explain

import (
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/payload"
)

// Oddity is something that a healthy node's directory rarely has. The numbers behind it
// are elsewhere in the Report.
type Oddity string

// What is odd.
const (
	OddProblems   Oddity = "problems"
	OddUnreadable Oddity = "unreadable"  // payloads that are damaged
	OddForeign    Oddity = "not_dgraphs" // no entry decodes
	OddVote       Oddity = "vote_without_term"
	OddTerm       Oddity = "term_without_entries" // the hard state's is above all entries'
	OddElections  Oddity = "terms_follow_quickly"
	OddLoneVoter  Oddity = "lone_voter"
	OddNoVoters   Oddity = "no_voters"           // the log names none as of its commit index
	OddNoMember   Oddity = "not_a_member"        // this node is none
	OddNoGroup    Oddity = "alpha_without_group" // group id 0
	OddTail       Oddity = "commit_far_behind"   // of the last index
	OddCommit     Oddity = "commit_beyond_last_index"
	OddAllDead    Oddity = "all_dead" // every entry is at or below the snapshot
	OddHeldBack   Oddity = "compaction_held_back"
	OddIgnored    Oddity = "ignored" // names in the directory
)

// FarBehind is how many entries behind the commit index are odd: a leader that hears from
// its followers has a few hundred at most.
const FarBehind = 1000

// odd finds what is odd in a report that has all else.
func (r *Report) odd(log walcore.Log) {
	h := r.HardState
	add := func(o Oddity, is bool) {
		if is {
			r.Odd = append(r.Odd, o)
		}
	}
	add(OddProblems, slices.ContainsFunc(r.Problems, func(p walcore.Problem) bool { return !p.AboutKey() }))
	add(OddUnreadable, r.Unreadable.Damaged > 0)
	add(OddForeign, r.System == dgraph && r.App == nil)
	add(OddVote, h != nil && h.Vote != 0 && h.Term == 0)
	add(OddTerm, r.Elections.Open != nil)
	add(OddElections, r.Elections.ShortCount > 1)
	add(OddLoneVoter, r.voters() == 1)
	add(OddNoVoters, !isNew(log) && noVoters(log))
	add(OddNoMember, r.own != nil && len(r.Members) > 0 && !r.isMember(*r.own))
	add(OddNoGroup, r.App != nil && *r.App == payload.Alpha.String() && r.GroupID != nil && *r.GroupID == 0)
	add(OddTail, r.Uncommitted != nil && r.Uncommitted.Last-r.Uncommitted.First >= FarBehind-1)
	add(OddCommit, h != nil && r.LastIndex != nil && h.Commit > *r.LastIndex)
	add(OddAllDead, r.Entries > 0 && r.Dead.Entries == r.Entries)
	add(OddHeldBack, r.Compaction != nil && r.Compaction.HeldBack)
	add(OddIgnored, len(r.Ignored) > 0)
}

// voters is how many vote; 0 where that is not known.
func (r *Report) voters() (n int) {
	for _, m := range r.Members {
		if m.Role != membership.Learner {
			n++
		}
	}
	return n
}

func (r *Report) isMember(id uint64) bool {
	return slices.ContainsFunc(r.Members, func(m Member) bool { return m.ID == id })
}

// isNew reports whether a node has never run on the log. It need not name voters: who
// starts a node on it says who they are.
func isNew(log walcore.Log) bool {
	m := log.Meta()
	return m.HardState != nil && *m.HardState == walcore.HardState{} &&
		(m.Snapshot == nil || m.Snapshot.Index == 0) && walcore.Count(log) == 0
}

func noVoters(log walcore.Log) bool {
	voters, err := membership.HasVoters(log)
	return err == nil && !voters
}
