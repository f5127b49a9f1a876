package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/pending"
)

// totals adds up the entries that were printed. Its memory is bounded: beyond maxPredicates
// names, or maxNameBytes of them, more are only counted.
type totals struct {
	kinds      map[string]*sum
	predicates map[string]*sum
	nameBytes  int // of predicates' names
	other      sum // predicates beyond the bounds
	pending    pending.Txns
}

type sum struct{ entries, edges, bytes int64 }

// numberColumns is how many columns a terminal keeps for the numbers behind a
// predicate's name.
const numberColumns = 40

const (
	maxPredicates = 10_000
	maxNameBytes  = 16 << 20
	// shownName is how many columns of a predicate's name are printed. All rows are as wide as
	// the longest, and a hostile one has megabytes.
	shownName    = 200
	shownPending = 20
)

func newTotals() totals {
	return totals{kinds: map[string]*sum{}, predicates: map[string]*sum{}}
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
		if p.Edges == 0 {
			continue
		}
		to := t.predicates[p.Name]
		switch {
		case to == nil && len(t.predicates) < maxPredicates && t.nameBytes+len(p.Name) <= maxNameBytes:
			to = &sum{}
			t.nameBytes += len(p.Name)
			t.predicates[p.Name] = to
		case to == nil:
			to = &t.other
		}
		to.entries++
		to.edges += int64(p.Edges)
		to.bytes += int64(p.Bytes)
	}
	t.pending.Add(&s.Facts, e.Index)
}

func (t *totals) write(out io.Writer, on *terminal.Out, log walcore.Log) error {
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
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", on.CutAfter(numberColumns, terminal.Cut(quoted(name), shownName)), p.entries, p.edges, p.bytes)
	}
	if t.other.entries > 0 {
		fmt.Fprintf(w, "(more: walfs dump --format json --decode has all)\t%d\t%d\t%d\n", t.other.entries, t.other.edges, t.other.bytes)
	}
	t.writePending(w)
	writeMembers(w, log)
	return w.Flush()
}

func bySize(sums map[string]*sum) []string {
	return slices.SortedFunc(maps.Keys(sums), func(a, b string) int {
		return cmp.Or(cmp.Compare(sums[b].bytes, sums[a].bytes), cmp.Compare(a, b))
	})
}

// writePending says which transactions are not decided. Only an Alpha's log has
// entries that begin or decide one.
func (t *totals) writePending(w io.Writer) {
	if t.kinds[payload.KindMutation] == nil && t.kinds[payload.KindDelta] == nil {
		return
	}
	n := t.pending.Len()
	fmt.Fprintf(w, "\n%s started, neither committed nor aborted in what is printed\n", count(n, "transaction", "transactions"))
	if n > 0 {
		fmt.Fprintf(w, "START_TS\tENTRY\n")
	}
	for i, txn := range t.pending.List() {
		if i == shownPending {
			break
		}
		fmt.Fprintf(w, "%d\t%d\n", txn.StartTs, txn.First)
	}
	if n > shownPending {
		fmt.Fprintf(w, "(%d more; walfs explain --json has those of the whole log)\n", n-shownPending)
	}
}

// writeMembers says who is in the group. It does not fail where the log's
// configuration changes cannot follow one another: the entries were printed.
func writeMembers(w io.Writer, log walcore.Log) {
	members, err := membership.Replay(log)
	switch {
	case err != nil:
		fmt.Fprintf(w, "\nmembers unknown: %v\n", err)
		return
	case len(members) == 0:
		fmt.Fprintf(w, "\nno members as of the commit index\n")
		return
	}
	fmt.Fprintf(w, "\nmembers as of the commit index\nRAFT_ID\tROLE\tADDRESS\n")
	for _, m := range members {
		fmt.Fprintf(w, "%d\t%s\t%s\n", m.ID, m.Role, addressText(m, log.Meta().RaftID))
	}
}

// addressText is where a member is. Dgraph's log lacks the address of the node that
// began the group, which often is the one whose log it is.
func addressText(m membership.Member, own *uint64) string {
	address := cmp.Or(m.Address, "not in the log")
	if own != nil && *own == m.ID {
		address += " (this node)"
	}
	return address
}
