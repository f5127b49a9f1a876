package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/payload"
)

// totals adds up the entries that were printed. Its memory is bounded: beyond
// maxPredicates names and maxPending transactions, more are only counted.
type totals struct {
	kinds      map[string]*sum
	predicates map[string]*sum
	other      sum               // predicates beyond the bound
	pending    map[uint64]uint64 // start_ts of what is not decided yet, to its first index
	untracked  int               // transactions beyond the bound, decided or not
}

type sum struct{ entries, edges, bytes int64 }

const (
	maxPredicates = 10_000
	maxPending    = 100_000
	shownPending  = 20
)

func newTotals() totals {
	return totals{kinds: map[string]*sum{}, predicates: map[string]*sum{}, pending: map[uint64]uint64{}}
}

func (t *totals) add(s *payload.Summary, e *walcore.Entry) {
	k := t.kinds[s.Kind]
	if k == nil {
		k = &sum{}
		t.kinds[s.Kind] = k
	}
	k.entries++
	k.bytes += e.Size
	for _, p := range s.Predicates {
		to := t.predicates[p.Name]
		switch {
		case to == nil && len(t.predicates) < maxPredicates:
			to = &sum{}
			t.predicates[p.Name] = to
		case to == nil:
			to = &t.other
		}
		to.entries++
		to.edges += int64(p.Edges)
		to.bytes += int64(p.Bytes)
	}
	for _, ts := range s.Started {
		if _, known := t.pending[ts]; known {
			continue
		}
		if len(t.pending) == maxPending {
			t.untracked++
			continue
		}
		t.pending[ts] = e.Index
	}
	for _, c := range s.Committed {
		delete(t.pending, c.StartTs)
	}
	for _, ts := range s.Aborted {
		delete(t.pending, ts)
	}
}

// undecided is how many transactions are pending so far.
func (t *totals) undecided() int { return len(t.pending) + t.untracked }

func (t *totals) write(out io.Writer, log walcore.Log) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nKIND\tENTRIES\tBYTES\n")
	for _, name := range bySize(t.kinds) {
		fmt.Fprintf(w, "%s\t%d\t%d\n", name, t.kinds[name].entries, t.kinds[name].bytes)
	}
	if len(t.predicates) > 0 {
		fmt.Fprintf(w, "\nPREDICATE\tENTRIES\tEDGES\tBYTES\n")
	}
	for _, name := range bySize(t.predicates) {
		p := t.predicates[name]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", name, p.entries, p.edges, p.bytes)
	}
	if t.other.entries > 0 {
		fmt.Fprintf(w, "(more)\t%d\t%d\t%d\n", t.other.entries, t.other.edges, t.other.bytes)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	t.writePending(out)
	return writeMembers(out, log)
}

func bySize(sums map[string]*sum) []string {
	return slices.SortedFunc(maps.Keys(sums), func(a, b string) int {
		return cmp.Or(cmp.Compare(sums[b].bytes, sums[a].bytes), cmp.Compare(a, b))
	})
}

func (t *totals) writePending(out io.Writer) {
	fmt.Fprintf(out, "\n%s started, neither committed nor aborted", count(t.undecided(), "transaction", "transactions"))
	before := ": "
	for i, ts := range slices.Sorted(maps.Keys(t.pending)) {
		if i == shownPending {
			fmt.Fprint(out, ", …")
			break
		}
		fmt.Fprintf(out, "%s%d (entry %d)", before, ts, t.pending[ts])
		before = ", "
	}
	fmt.Fprintln(out)
}

// writeMembers says who is in the group. It does not fail where the log's
// configuration changes cannot follow one another: the entries were printed.
func writeMembers(out io.Writer, log walcore.Log) error {
	members, err := membership.Replay(log)
	switch {
	case err != nil:
		_, err = fmt.Fprintf(out, "\nmembers unknown: %v\n", err)
		return err
	case len(members) == 0:
		_, err = fmt.Fprintf(out, "\nno members as of the commit index\n")
		return err
	}
	fmt.Fprintf(out, "\nmembers as of the commit index\n")
	for _, m := range members {
		if _, err := fmt.Fprintln(out, m); err != nil {
			return err
		}
	}
	return nil
}
