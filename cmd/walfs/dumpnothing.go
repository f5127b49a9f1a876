package main

import (
	"fmt"
	"strings"

	"github.com/walfs/walfs/walcore"
)

// nothingPrinted says why no entry of a log was printed. It is no failure: a script may ask
// for what is not there yet.
func (f *filter) nothingPrinted(log walcore.Log) string {
	given := f.text()
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
	from, to := max(f.from, first), min(f.to, last)
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

// text is the filter as a user types it, without the range.
func (f *filter) text() string {
	var given []string
	for _, flag := range []struct {
		name  string
		value any
		set   bool
	}{
		{"term", f.term, f.term > 0},
		{"type", f.typ, f.typ != ""},
		{"grep", f.grep, f.grep != ""},
	} {
		if flag.set {
			given = append(given, fmt.Sprintf("--%s %v", flag.name, flag.value))
		}
	}
	return strings.Join(given, " ")
}
