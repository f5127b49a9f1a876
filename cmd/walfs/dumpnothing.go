package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/walfs/walfs/walcore"
)

// nothingPrinted says why no entry of a log was printed. It is no failure: a script may ask
// for what is not there yet.
func (f *filter) nothingPrinted(log walcore.Log) string {
	given := f.asTyped()
	terms := log.Terms()
	if len(terms) == 0 {
		return "the log has no entries" + behindSnapshot(log)
	}
	first, last := terms[0].First, terms[len(terms)-1].Last
	switch {
	case f.from > last:
		return fmt.Sprintf("no entry from %d on: the log ends at %d", f.from, last)
	case f.to < first:
		return fmt.Sprintf("no entry up to %d: the log begins at %d%s", f.to, first, behindSnapshot(log))
	}
	if f.replayed != nil && f.replayed.Empty() {
		return "a restart replays no entry"
	}
	from, to := max(f.first(), first), min(f.last(), last)
	if from > to {
		return fmt.Sprintf("no entry: a restart replays %d to %d", f.replayed.First, f.replayed.Last)
	}
	if given == "" {
		return fmt.Sprintf("no entry of %d to %d is in the log", from, to)
	}
	return fmt.Sprintf("no entry of %d to %d matches %s", from, to, given)
}

// behindSnapshot says which snapshot stands for entries that are no longer there.
func behindSnapshot(log walcore.Log) string {
	s := log.Meta().Snapshot
	if s == nil || s.Index == 0 {
		return ""
	}
	return fmt.Sprintf("; a snapshot stands for the entries up to %d", s.Index)
}

// asTyped is the filter as a user types it, without the range.
func (f *filter) asTyped() string {
	var typed []string
	for _, flag := range []struct {
		name, value string
		given       bool
	}{
		{"term", strconv.FormatUint(f.term, 10), f.term > 0},
		{"type", f.typ, f.typ != ""},
		{"kind", f.kinds.String(), len(f.kinds) > 0},
		{"predicate", f.predicate.text, f.predicate.isGiven()},
		{"uid", f.uid.text, f.uid.isGiven()},
		{"txn", f.txn.text, f.txn.isGiven()},
		{"member", f.member.text, f.member.isGiven()},
		{"key", f.key.text, f.key.isGiven()},
		{"namespace", f.namespace.text, f.namespace.isGiven()},
		{"replay", "", f.replay},
		{"since", f.since.text, f.since.isGiven()},
		{"until", f.until.text, f.until.isGiven()},
		{"grep", f.grep, f.grep != ""},
	} {
		switch {
		case !flag.given:
		case flag.value == "":
			typed = append(typed, "--"+flag.name)
		default:
			typed = append(typed, "--"+flag.name+" "+asWord(flag.value))
		}
	}
	return strings.Join(typed, " ")
}

// asWord is a value as people can be shown it, in quotes where a shell needs them to take
// it as one word.
func asWord(value string) string {
	if shown := quoted(value); shown != value || !strings.ContainsAny(value, " ") {
		return shown
	}
	return "'" + value + "'"
}
