package main

import (
	"time"

	"github.com/walfs/walfs/walcore/explain"
)

// elections says what the terms tell.
func (p *page) elections() {
	e := &p.Elections
	switch {
	case e.Terms == 0:
		p.say("The log has no entries, which would tell.")
	case e.Terms == 1:
		t := e.Recent[0]
		p.say("All entries are of term %d%s.", t.Term, began(t))
	default:
		last := e.Recent[len(e.Recent)-1]
		p.say("There are entries of %s; the last, %d, begins with entry %s%s.", many(e.Terms, "term", "terms"), last.Term, num(last.First), began(last))
	}
	p.shortTerms()
	p.skippedTerms()
	if e.Open != nil {
		p.say("Its hard state is of term %d, and it has no entry of %s.", p.HardState.Term, termRange(*e.Open))
	}
	p.vote()
	if e.Terms > 1 {
		p.termRows()
	}
}

func began(t explain.Term) string {
	if t.Began == nil {
		return ""
	}
	return ", of " + t.Began.UTC().Format(time.RFC3339)
}

// termRange is "term 3", or "terms 3 to 5".
func termRange(r explain.TermRange) string {
	if r.First == r.Last {
		return "term " + term(r.First)
	}
	return "terms " + from(r.First, r.Last, term)
}

func (p *page) shortTerms() {
	e := &p.Elections
	if e.ShortCount == 0 {
		return
	}
	var names []string
	for _, t := range e.Short {
		names = append(names, term(t.Term))
	}
	if e.ShortCount == 1 {
		p.say("Term %s ended with fewer than %d entries.", names[0], explain.ShortTerm)
	} else {
		p.say("%s ended with fewer than %d entries, %s%s.", many(e.ShortCount, "term", "terms"), explain.ShortTerm, theLast(len(names), e.ShortCount), and(names))
	}
	if e.Short[0].Began == nil {
		p.say("So the next election may have followed quickly; how quickly is not known, since no time is stored with an entry.")
	}
}

// theLast says that a list has only the last ones.
func theLast[N int | uint64](shown, all N) string {
	if shown < all {
		return "the last of them "
	}
	return ""
}

func (p *page) skippedTerms() {
	e := &p.Elections
	var names []string
	shown := uint64(0)
	for _, r := range e.Skipped {
		names = append(names, from(r.First, r.Last, term))
		shown += r.Last - r.First + 1
	}
	switch {
	case e.SkippedCount == 0:
	case e.SkippedCount == 1:
		p.say("Term %s has no entry: nobody won it, or a later leader replaced what its leader wrote.", and(names))
	default:
		p.say("%s have no entry, %s%s: nobody won them, or later leaders replaced what their leaders wrote.",
			many(e.SkippedCount, "term", "terms"), theLast(shown, e.SkippedCount), and(names))
	}
}

func (p *page) vote() {
	switch h := p.HardState; {
	case h == nil && p.Stable != nil:
		p.say("Its %s.", stableText(p.Stable))
	case h == nil:
		p.say("Its vote is not known: %s.", p.whyNot("hard_state"))
	case h.Term == 0 && h.Vote == 0:
		p.say("It has never voted.")
	case h.Vote == 0:
		p.say("In term %d it has not voted.", h.Term)
	case p.IsOwn(h.Vote):
		p.say("In term %d it voted for itself.", h.Term)
	default:
		p.say("In term %d it voted for node %s.", h.Term, p.IDText(h.Vote))
	}
}

func (p *page) termRows() {
	e := &p.Elections
	if more := e.Terms - len(e.Recent); more > 0 {
		p.say("The last %d terms that have entries:", len(e.Recent))
	}
	for _, t := range e.Recent {
		span := "entry " + num(t.First)
		if t.First < t.Last {
			span = from(t.First, t.Last, num[uint64]) + ", " + entries(t.Entries)
		}
		p.row("term %d  %s%s", t.Term, span, began(t))
	}
}
