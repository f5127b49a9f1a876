package check

import (
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/status"
)

// conclude sets the verdict: whether a node starts, and what it does then, or what the
// worst problem is.
func (r *Report) conclude(m *walcore.Meta) {
	if r.Sound {
		r.Starts = true
		r.Verdict = "sound: " + r.start(m)
		if r.Unread > 0 {
			r.Verdict = fmt.Sprintf("no damage was found, but the payloads of %s were not read: give the node's key with --key-file; by all else %s",
				entryCount(r.Unread), r.start(m))
		}
		return
	}
	worst := r.Problems[0]
	for _, f := range r.Problems {
		if f.effect > worst.effect {
			worst = f
		}
	}
	r.Starts = worst.effect < Refused
	end := "one without the damage"
	if !r.Starts {
		end = "one on which it does"
	}
	more := ""
	if n := len(r.Problems) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more problems)", n)
		if n == 1 {
			more = " (and 1 more problem)"
		}
	}
	if remedy, ok := otherRemedies[m.System.Name]; ok {
		r.Verdict = fmt.Sprintf("damaged: %v: %v%s; %s", worst.effect, worst.Problem, more, remedy)
		return
	}
	r.Verdict = fmt.Sprintf("damaged: %v: %v%s; walfs repair DIR OUT writes %s", worst.effect, worst.Problem, more, end)
}

// start says what a node does that starts on the directory.
func (r *Report) start(m *walcore.Meta) string {
	switch {
	case m.HardState == nil:
		return fmt.Sprintf("a node starts; which of its %s are committed is not stored", entryCount(r.Entries))
	case *m.HardState == walcore.HardState{} && r.Entries == 0 && m.Snapshot != nil && m.Snapshot.Index == 0:
		return "a node starts with an empty log"
	}
	commit := m.HardState.Commit
	text := "a node starts, replays nothing, and is at commit " + status.Grouped(commit)
	if r.Replays != nil {
		text = fmt.Sprintf("a node starts, replays %s to %s%s, and is at commit %s",
			status.Grouped(r.Replays.First), status.Grouped(r.Replays.Last), r.applied(), status.Grouped(commit))
	}
	if r.LastIndex != nil && *r.LastIndex > commit {
		text += fmt.Sprintf(", with %s behind it that may not be committed", entryCount(*r.LastIndex-commit))
	}
	if r.noVoters {
		text += "; the log names no voters, so that it elects nobody"
	}
	return text
}

// applied says how many of the entries that Raft hands to it the application has applied
// before: Dgraph's Alpha passes over those below its checkpoint.
func (r *Report) applied() string {
	switch {
	case r.applies <= r.Replays.First:
		return ""
	case r.applies >= r.Replays.Last:
		return ", all of which it has applied before"
	}
	return fmt.Sprintf(", of which it has applied those up to %s before", status.Grouped(r.applies))
}

func entryCount(n uint64) string {
	if n == 1 {
		return "1 entry"
	}
	return status.Grouped(n) + " entries"
}
