package main

import "time"

// shownTxns is how many pending transactions the text has.
const shownTxns = 5

// pending says which transactions are.
func (p *page) pending() {
	t, lost := p.Pending, p.Unreadable.Damaged > 0 || p.Missing
	switch {
	case t == nil:
		p.say("Not known: %s.", p.whyNot("pending"))
		return
	case t.Count == 0 && lost:
		p.say("None is found, but entries are missing or damaged: one of them may have begun a transaction.")
	case t.Count == 0:
		p.say("None: each that began%s up to the commit index was committed or aborted.", p.behindSnapshot())
	default:
		p.pendingText()
	}
	if lost && t.Count > 0 {
		p.say("Entries are missing or damaged, so that this may be wrong.")
	}
	if t.Behind > 0 {
		p.say("%s more began behind the commit index.", num(t.Behind))
	}
	p.end()
	for _, txn := range t.Txns[:min(len(t.Txns), shownTxns)] {
		decided := ""
		if txn.Decided {
			decided = ", decided behind the commit index"
		}
		p.row("entry %s  start_ts %d, %s, in %s%s", num(txn.First), txn.StartTs, entries(txn.Entries), quoted(txn.File), decided)
	}
	if more := t.Count - min(len(t.Txns), shownTxns); more > 0 {
		p.row("and %s more: walfs explain --json DIR", num(more))
	}
}

func (p *page) pendingText() {
	t := p.Pending
	switch {
	case t.Oldest == nil: // Unknown says the rest
		p.say("Perhaps there are some.")
	case t.Count == 1:
		p.say("1 transaction began%s, and was neither committed nor aborted up to the commit index.", p.behindSnapshot())
	default:
		p.say("%s began%s, and were neither committed nor aborted up to the commit index. The oldest has the start timestamp %d, the newest %d.",
			many(t.Count, "transaction", "transactions"), p.behindSnapshot(), *t.Oldest, *t.Newest)
	}
	if t.Unknown > 0 {
		p.say("Whether %s of them were decided is not known: they began while too many others were pending.", num(t.Unknown))
	}
	if len(t.Txns) == 0 {
		return
	}
	name := t.Txns[0].File
	for _, f := range p.LogFiles {
		if f.Name == name {
			p.say("No time is stored with an entry; %s, where the first of them began, is of %s.", quoted(name), f.Time.Format(time.RFC3339))
			break
		}
	}
}
