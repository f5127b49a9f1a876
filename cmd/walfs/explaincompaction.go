package main

import (
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/explain"
)

// compaction says what the next snapshot depends on.
func (p *page) compaction() {
	c := p.Compaction
	switch {
	case p.System == walcore.Etcd:
		p.sinceSnapshot("etcd makes the next snapshot when so many entries as its --snapshot-count says are behind the last one")
		return
	case p.System == walcore.HashiCorp:
		p.sinceSnapshot("the library makes the next snapshot when so many entries as its SnapshotThreshold says are behind the last one, and keeps TrailingLogs of them (a Consul's raft_snapshot_threshold and raft_trailing_logs)")
		return
	case c == nil:
		p.say("Not known: %s.", p.whyNot("compaction"))
		return
	case c.Hold == nil && c.AtMost == nil:
		p.say("Nothing: no entry%s is committed.", p.behindSnapshot())
		return
	case c.Hold == nil:
		p.say("No pending transaction does. The next snapshot can go up to entry %s%s.", num(*c.AtMost), p.frees())
	case c.HeldBack:
		p.heldBack()
	default:
		p.say("Not much: %s.", p.holdText())
		p.limit()
	}
	if p.Unreadable.Damaged > 0 || p.Missing {
		p.say("Entries are missing or damaged, so that this may be wrong.")
	}
	p.due()
	p.dropped()
	if p.CDC {
		p.say("Change data capture has written entries. It can hold the log back, too: how far it has come is not known, since a log does not say.")
	}
}

// heldBack connects the numbers that make the log grow.
func (p *page) heldBack() {
	c := p.Compaction
	p.say("Compaction is held back: %s.", p.holdText())
	p.say("An Alpha makes no snapshot and stores no checkpoint at or behind the first entry of a pending transaction.")
	p.limit()
	p.say("A leader aborts what was idle for five minutes, or for its --limit txn-abort-after, if it reaches Zero; walfs dump --txn %d DIR shows what the log has of this one.", c.Hold.StartTs)
}

// holdText says which transaction is pending since when.
func (p *page) holdText() string {
	h := p.Compaction.Hold
	text := "transaction " + term(h.StartTs) + " is pending since entry " + num(h.FirstIndex)
	if ago := p.HardState.Commit - h.FirstIndex; ago > 0 {
		text += ", " + entries(ago) + " before the commit index"
	} else {
		text += ", the last that is committed"
	}
	if h.Index != h.FirstIndex {
		text += "; a snapshot stops before the first entry of a transaction with this timestamp or a later one, which is entry " + num(h.Index)
	}
	return text
}

// limit says how far the snapshot can go, beside where it is, and where the checkpoint is.
func (p *page) limit() {
	c := p.Compaction
	at := "There is no snapshot yet"
	if p.Snapshot.Index > 0 {
		at = "The snapshot is at " + num(p.Snapshot.Index)
	}
	if n := p.CheckpointIndex; n != nil && *n > 0 {
		at += ", and the checkpoint is at " + num(*n)
		if *n == c.Hold.Index-1 {
			at += ", right before that entry"
		}
	}
	if c.AtMost == nil {
		p.say("%s. While the transaction is pending, no newer snapshot can be made.", at)
		return
	}
	p.say("%s. While the transaction is pending, the next snapshot goes up to entry %s at most%s.", at, num(*c.AtMost), p.frees())
}

// frees says which log files a snapshot deletes.
func (p *page) frees() string {
	names := p.Compaction.Frees
	switch n := len(names); {
	case len(p.LogFiles) < 2:
		return ""
	case n == 0:
		return ", which deletes no log file"
	case n == 1:
		return ", which deletes the log file " + names[0]
	default:
		return ", which deletes " + many(n, "log file", "log files") + ", " + names[0] + " to " + names[n-1]
	}
}

// dropped says that a drop may have ended the transaction.
func (p *page) dropped() {
	if h := p.Compaction.Hold; h != nil && h.Dropped != nil {
		p.say("But entry %s drops data: if it is all data, or all of the transaction's namespace, Dgraph has forgotten the transaction there.", num(*h.Dropped))
	}
}

// due says whether a snapshot is due, by Dgraph's own limits.
func (p *page) due() {
	c := p.Compaction
	switch {
	case len(c.Due) == 0 && p.Snapshot.Index == 0:
		p.say("None is due: no transaction has been committed yet.")
		return
	case len(c.Due) == 0 && c.HeldBack:
		p.say("No snapshot is due either: a leader waits for a checkpoint %s behind the snapshot, or for more than %s full log files.", entries(explain.MostEntries), numberWords[explain.MostFullFiles])
		return
	case len(c.Due) == 0:
		p.say("None is due: the checkpoint is %s behind the snapshot, and a leader waits for %s and half an hour, or for more than %s full log files, of which there %s %s.",
			entries(c.Checkpoint), num(explain.MostEntries), numberWords[explain.MostFullFiles], pick(c.FullFiles, "is", "are"), num(c.FullFiles))
		return
	}
	base := "the snapshot"
	if p.Snapshot.Index == 0 {
		base = "the log's beginning"
	}
	var reasons []string
	for _, d := range c.Due {
		switch d {
		case explain.DueNoSnapshot:
			reasons = append(reasons, "there is none yet")
		case explain.DueFullFiles:
			reasons = append(reasons, "there are "+num(c.FullFiles)+" full log files (more than "+numberWords[explain.MostFullFiles]+")")
		case explain.DueEntries:
			reasons = append(reasons, "the checkpoint is "+entries(c.Checkpoint)+" behind "+base+" (at least "+num(explain.MostEntries)+")")
		}
	}
	p.say("A snapshot is due, since %s.", and(reasons))
	if !c.HeldBack {
		p.say("Why it was not made is not known: only a leader makes one, it looks once a minute, and a log does not say when it did.")
	}
}

var numberWords = map[int]string{explain.MostFullFiles: "four"}

// sinceSnapshot says how many entries the next snapshot can stand for, and when it is made.
func (p *page) sinceSnapshot(when string) {
	n := p.Entries - p.Dead.Entries
	p.say("Nothing in the log does: %s. %s%s %s in the log.", when, entries(n), p.behindSnapshot(), isAre(n))
}
