package main

import (
	"fmt"
	"strings"

	"github.com/walfs/walfs/walcore/explain"
	"github.com/walfs/walfs/walcore/payload"
)

// restart says what a restart replays. It has the words of check's verdict.
func (p *page) restart() {
	r := p.Replay
	switch {
	case r == nil:
		p.say("Not known: %s.", p.whyNot("replay"))
		return
	case r.Handed.Empty():
		p.say("Nothing: no entry%s is committed.", p.behindSnapshot())
		return
	case p.Missing:
		p.say("It may fail, since committed entries are missing or damaged: walfs check DIR says whether. If it does not, this is what it does.")
	}
	switch {
	case r.Applied == r.Handed:
		p.say("It replays %s: %s.", theEntries(r.Handed.First, r.Handed.Last), p.replayed())
	case r.Applied.Empty():
		p.say("It replays %s, all of which it has applied before: they are below its checkpoint, %s. It skips them, but for configuration changes.",
			theEntries(r.Handed.First, r.Handed.Last), num(*p.CheckpointIndex))
		return
	default:
		before := fmt.Sprintf("of which it has applied those up to %s before", num(r.Applied.First))
		if r.Applied.First == r.Handed.Last {
			before = "all of which it has applied before"
		}
		p.say("It replays %s, %s. It skips those below its checkpoint, %s, but for configuration changes.",
			theEntries(r.Handed.First, r.Handed.Last), before, num(r.Applied.First))
		if r.Applied.First == r.Applied.Last {
			p.say("The one at the checkpoint it applies once more.")
		} else {
			p.say("It applies %s: %s.", from(r.Applied.First, r.Applied.Last, num[uint64]), p.replayed())
		}
	}
	p.kinds()
	p.changes()
}

func (p *page) replayed() string {
	return fmt.Sprintf("%s, %s", entries(p.Replay.Entries), many(p.Replay.Bytes, "byte", "bytes"))
}

// mostKinds is how many kinds the text has.
const mostKinds = 8

func (p *page) kinds() {
	var parts []string
	for i, k := range p.Replay.Kinds {
		if i == mostKinds {
			parts = append(parts, fmt.Sprintf("%s (walfs stats --replay --by kind DIR has them)", many(len(p.Replay.Kinds)-i, "more kind", "more kinds")))
			break
		}
		name := k.Kind
		if name == explain.KindUnreadable {
			name = "that cannot be read"
		}
		parts = append(parts, fmt.Sprintf("%s %s (%s)", num(k.Entries), name, many(k.Bytes, "byte", "bytes")))
	}
	if len(parts) > 0 {
		p.say("By kind: %s.", strings.Join(parts, ", "))
	}
}

// changeNames are what the kinds of changes are called.
var changeNames = []struct{ kind, one, more string }{
	{payload.KindRestore, "restore", "restores"},
	{payload.KindDrop, "drop", "drops"},
	{payload.KindDeleteNs, "deletion of a namespace", "deletions of namespaces"},
	{payload.KindSchema, "schema change", "schema changes"},
}

// changes names restores, drops and schema changes among what is applied.
func (p *page) changes() {
	changes := p.Replay.Changes
	switch {
	case p.App == nil:
		return
	case p.Unreadable.NoKey > 0:
		p.say("Whether a restore or a drop is among what it applies is not known: entries are encrypted; give the node's key with --key-file.")
		return
	case p.Unreadable.NoDataKey+p.Unreadable.Damaged > 0 && len(changes) == 0:
		p.say("Whether a restore or a drop is among what it applies is not known: entries cannot be read.")
		return
	case p.lacksApplied() && len(changes) == 0:
		p.say("Whether a restore or a drop is among what it applies is not known: entries are missing or damaged.")
		return
	case len(changes) == 0 && p.isAlpha():
		p.say("No restore, drop or schema change is among what it applies.")
	}
	for _, c := range changes {
		p.change(c)
	}
}

// lacksApplied reports whether some of what a restart applies is missing.
func (p *page) lacksApplied() bool {
	r := p.Replay
	return uint64(r.Entries) < r.Applied.Last-r.Applied.First+1
}

func (p *page) change(c explain.Change) {
	for _, n := range changeNames {
		if n.kind == c.Kind {
			p.say("Among what it applies %s %s:", pick(c.Entries, "is", "are"), many(c.Entries, n.one, n.more))
		}
	}
	for _, e := range c.First {
		p.row("entry %s  %s", num(e.Index), e.What)
	}
	if more := c.Entries - len(c.First); more > 0 {
		p.row("and %s more: walfs dump --replay --kind %s DIR", num(more), c.Kind)
	}
}

func pick(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}
