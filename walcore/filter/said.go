package filter

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/wording"
)

// Nothing says why no entry of a log matches, where none does. It is no failure: a script
// may ask for what is not there yet.
func (f *Filter) Nothing(log walcore.Log) string {
	terms := log.Terms()
	if len(terms) == 0 {
		return "the log has no entries" + behindSnapshot(log)
	}
	first, last := terms[0].First, terms[len(terms)-1].Last
	switch {
	case f.from > last:
		return fmt.Sprintf("no entry from %d on: the log ends at %d", f.from, last)
	case f.end() < first:
		return fmt.Sprintf("no entry up to %d: the log begins at %d%s", f.end(), first, behindSnapshot(log))
	}
	if f.replayed != nil && f.replayed.Empty() {
		return "a restart replays no entry"
	}
	from, to := max(f.First(), first), min(f.Last(), last)
	if from > to {
		return fmt.Sprintf("no entry: a restart replays %d to %d", f.replayed.First, f.replayed.Last)
	}
	given := strings.Join(f.typed(), " ")
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

// String is the filter as a user types it, "" where nothing is set.
func (f *Filter) String() string {
	var typed []string
	if f.from > 0 {
		typed = append(typed, fmt.Sprintf("%sfrom %d", f.Prefix, f.from))
	}
	if f.end() != noEnd {
		typed = append(typed, fmt.Sprintf("%sto %d", f.Prefix, f.end()))
	}
	typed = append(typed, f.typed()...)
	if f.limit > 0 {
		typed = append(typed, fmt.Sprintf("%slimit %d", f.Prefix, f.limit))
	}
	return strings.Join(typed, " ")
}

// typed is what is set, as a user types it, but for the range and the limit.
func (f *Filter) typed() (typed []string) {
	for _, set := range []struct {
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
		case !set.given:
		case set.value == "":
			typed = append(typed, f.Prefix+set.name)
		default:
			typed = append(typed, f.Prefix+set.name+" "+asWord(set.value))
		}
	}
	return typed
}

// asWord is a value as people can be shown it, in quotes where a shell needs them to take
// it as one word.
func asWord(value string) string {
	if shown := wording.Quoted(value); shown != value || !strings.ContainsAny(value, " ") {
		return shown
	}
	return "'" + value + "'"
}
