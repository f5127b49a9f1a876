package main

import (
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/explain"
	"github.com/walfs/walfs/walcore/membership"
)

// behind says what the directory tells of whether the node has all that its group has.
func (p *page) behind() {
	h, e := p.HardState, &p.Elections
	switch {
	case h == nil:
		p.say("Not known: %s.", p.whyNot("hard_state"))
	case *h == walcore.HardState{} && p.Entries == 0 && p.LastTerm == nil:
		p.say("It has never run.")
		return
	case e.Open != nil && p.LastTerm == nil:
		p.say("It may be: its term is %d, and it has no entries.", h.Term)
	case e.Open != nil:
		p.say("It may be: its term is %d, and its last entry is of term %d. Somebody was elected, or tried to be, of whom it has no entry.", h.Term, *p.LastTerm)
	case h.Term == 0:
		p.say("Not known: its hard state is of term 0.")
	case p.farBehind(): // tail says it
	case p.Entries == p.Dead.Entries && p.Snapshot != nil && p.Snapshot.Index > 0:
		p.say("Nothing says so: its snapshot is of term %d, and so is its hard state.", h.Term)
	default:
		p.say("Nothing says so: its last entry is of term %d, and so is its hard state.", h.Term)
	}
	p.tail()
	if s := p.SentSnapshot; s != nil {
		p.say("It was behind once: it lacks %s, for which a leader sent it the snapshot.", theEntries(s.First, s.Last))
	}
	if t := p.LastWritten; t != nil {
		p.say("By their times, its files were last written at %s.", t.Format(time.RFC3339))
	}
	if len(p.Members) != 1 {
		p.say("Whether its group has gone on without it, only the others' directories tell: walfs diff compares them.")
	}
}

// tail says what the entries behind the commit index mean for that.
func (p *page) tail() {
	u := p.Uncommitted
	if u == nil {
		return
	}
	n := u.Last - u.First + 1
	const far = "%s behind the commit index are many. It led and heard from no majority, or it stopped before it heard that they are committed."
	switch {
	case !p.farBehind():
		p.say("The %s behind the commit index %s usual: a node hears late that its entries are committed.", entries(n), isAre(int64(n)))
	case p.Elections.Open == nil:
		p.say("It may be: "+far, entries(n))
	default:
		p.say(far, entries(n))
	}
}

// farBehind reports whether the commit index is far behind the last entry.
func (p *page) farBehind() bool {
	u := p.Uncommitted
	return u != nil && u.Last-u.First+1 >= explain.FarBehind
}

// odd lists what is odd.
func (p *page) odd() {
	switch {
	case len(p.Odd) > 0:
	case p.Unreadable.NoKey+p.Unreadable.NoDataKey > 0:
		p.say("Nothing, as far as it can be read.")
	default:
		p.say("Nothing.")
	}
	for _, o := range p.Odd {
		p.colour = p.on.Warning
		if o == explain.OddProblems || o == explain.OddUnreadable {
			p.colour = p.on.Problem
		}
		p.oddity(o)
		p.end()
	}
	p.colour = plain
	if n := p.Unreadable.NoKey; n > 0 {
		p.say("The payloads of %s were not read, since they are encrypted; give the node's key with --key-file.", entries(n))
	}
	if n := p.Unreadable.NoDataKey; n > 0 {
		p.say("The payloads of %s were not read, since the data key of their log file is missing.", entries(n))
	}
}

func (p *page) oddity(o explain.Oddity) {
	h := p.HardState
	switch o {
	case explain.OddProblems:
		p.problems()
	case explain.OddUnreadable:
		p.say("The payloads of %s cannot be read, the first is that of entry %s; walfs check DIR says why.", entries(p.Unreadable.Damaged), num(p.Unreadable.First))
	case explain.OddForeign:
		p.say("None of the entries%s is one of Dgraph's.", p.behindSnapshot())
	case explain.OddVote:
		p.say("It voted for node %s in term 0, in which nobody can be elected.", p.IDText(h.Vote))
	case explain.OddTerm:
		p.say("The hard state is of term %d, and there is no entry of %s.", h.Term, termRange(*p.Elections.Open))
	case explain.OddElections:
		p.say("Terms followed quickly: %d of them ended with fewer than %d entries.", p.Elections.ShortCount, explain.ShortTerm)
	case explain.OddLoneVoter:
		p.say("Node %s is the only voter: its group stands still while it is down.", p.onlyVoter())
	case explain.OddNoVoters:
		p.say("The log names no voters as of its commit index: a node on it elects nobody.")
	case explain.OddNoMember:
		p.say("This node, %s, is no member of the group as of the commit index.", p.ownText())
	case explain.OddNoGroup:
		p.say("It is an Alpha, and its group id is 0, as before an Alpha joins a group.")
	case explain.OddTail:
		p.say("The last entry, %s, is far beyond the commit index, %s.", num(*p.LastIndex), num(h.Commit))
	case explain.OddCommit:
		p.say("The commit index, %s, is beyond the last entry, %s: committed entries are missing.", num(h.Commit), num(*p.LastIndex))
	case explain.OddAllDead:
		p.say("The snapshot stands for every entry on disk.")
	case explain.OddHeldBack:
		p.say("Compaction is held back by transaction %d.", p.Compaction.Hold.StartTs)
	case explain.OddIgnored:
		p.say("No part of the log %s %s.", pick(len(p.Ignored), "is", "are"), quotedList(p.Ignored, mostNames))
	}
}

func (p *page) problems() {
	var damage []walcore.Problem
	for _, problem := range p.Problems {
		if !problem.AboutKey() {
			damage = append(damage, problem)
		}
	}
	p.say("The directory has %s; walfs check DIR says what that means.", countProblems(damage))
}

func (p *page) onlyVoter() string {
	for _, m := range p.Members {
		if m.Role != membership.Learner {
			return m.Text
		}
	}
	return ""
}

// quotedList is some names, and how many more there are.
func quotedList(names []string, most int) string {
	shown := allQuoted(names[:min(len(names), most)])
	if more := len(names) - len(shown); more > 0 {
		shown = append(shown, num(more)+" more")
	}
	return and(shown)
}
