package main

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// tally is what stats, explain and export must say of a log, or of a part of it, counted
// from the lines of dump --format json --decode.
type tally struct {
	all weight
	// by is the same by "kind", "predicate" (those with edges), "file", "term", "member"
	// (who proposed the entry) and "namespace". The names are as walfs prints them.
	by map[string]map[string]*weight
	// named is how many entries are about each member.
	named map[uint64]int

	started         map[uint64]uint64 // start_ts of all transactions with edges, to the first entry
	pending         map[uint64]uint64 // those that are not decided
	commits, aborts int               // decisions
}

// weight is how many entries there are, the bytes of their payloads, and their edges; by
// predicate, only its own edges.
type weight struct {
	entries int
	bytes   int64
	edges   sizes
}

func newTally() *tally {
	return &tally{by: map[string]map[string]*weight{}, named: map[uint64]int{}, started: map[uint64]uint64{}, pending: map[uint64]uint64{}}
}

// tallyOf counts the lines of a log, those that pass the filter; nil: all.
func tallyOf(t *testing.T, l agreementLog, filter func(*jsonLine, *said) bool) *tally {
	t.Helper()
	c := newTally()
	dumpLines(t, l, func(text []byte) {
		line := parseJSONLine(t, text)
		if s := saidByJSON(line); filter == nil || filter(line, s) {
			c.add(line, s)
		}
	})
	return c
}

func (c *tally) add(l *jsonLine, s *said) {
	c.all.add(l, s.edges)
	c.addTo("kind", s.kind, l, s.edges)
	c.addTo("file", l.File, l, s.edges)
	c.addTo("term", fmt.Sprint(l.Term), l, s.edges)
	if s.proposer != 0 {
		c.addTo("member", fmt.Sprint(s.proposer), l, s.edges)
	}
	for _, ns := range s.namespaces {
		c.addTo("namespace", fmt.Sprint(ns), l, s.edges)
	}
	for name, edges := range s.predicates {
		if edges.edges > 0 {
			c.addTo("predicate", name, l, edges)
		}
	}
	for _, id := range s.members {
		c.named[id]++
	}
	c.transactions(l.Index, s)
}

func (c *tally) addTo(by, name string, l *jsonLine, edges sizes) {
	if c.by[by] == nil {
		c.by[by] = map[string]*weight{}
	}
	if c.by[by][name] == nil {
		c.by[by][name] = &weight{}
	}
	c.by[by][name].add(l, edges)
}

func (w *weight) add(l *jsonLine, edges sizes) {
	w.entries++
	w.bytes += l.Size
	w.edges.edges += edges.edges
	w.edges.deletes += edges.deletes
	w.edges.bytes += edges.bytes
}

// transactions: one is pending from its first edges on, until it is committed or aborted.
func (c *tally) transactions(index uint64, s *said) {
	if s.edges.edges > 0 && s.txn > 0 { // edges without a number belong to none
		for _, m := range []map[uint64]uint64{c.started, c.pending} {
			if _, known := m[s.txn]; !known {
				m[s.txn] = index
			}
		}
	}
	for _, txn := range s.decided {
		delete(c.pending, txn.StartTs)
		if txn.CommitTs == 0 {
			c.aborts++
		} else {
			c.commits++
		}
	}
}

// entriesBy are the entries by name.
func (c *tally) entriesBy(by string) map[string]int {
	n := map[string]int{}
	for name, w := range c.by[by] {
		n[name] = w.entries
	}
	return n
}

// oldestPending is the transaction that has been pending for longest: its first entry.
func (c *tally) oldestPending() (startTs, index uint64, ok bool) {
	for _, ts := range slices.Sorted(maps.Keys(c.pending)) {
		if i := c.pending[ts]; !ok || i < index {
			startTs, index, ok = ts, i, true
		}
	}
	return startTs, index, ok
}
