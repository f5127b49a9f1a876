package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/pending"
	"github.com/walfs/walfs/walcore/stats"
)

// totals adds up the entries that were printed. Its memory is bounded, as that of a
// stats.Table is.
type totals struct {
	kinds, predicates *stats.Table
	pending           pending.Txns
	transactions      bool // an entry can begin or decide one
}

// numberColumns is how many columns a terminal keeps for the numbers behind a
// predicate's name.
const numberColumns = 40

const (
	// shownName is how many columns of a predicate's name are printed. All rows are as wide as
	// the longest, and a hostile one has megabytes.
	shownName    = 200
	shownPending = 20
)

func newTotals() totals {
	return totals{kinds: stats.NewTable(stats.Kind, 0), predicates: stats.NewTable(stats.Predicate, 0)}
}

func (t *totals) add(s *payload.Summary, e *walcore.Entry) {
	t.kinds.Add(e, &s.Facts)
	t.predicates.Add(e, &s.Facts)
	t.pending.Add(&s.Facts, e.Index)
	t.transactions = t.transactions || s.Kind == payload.KindMutation || s.Kind == payload.KindDelta
}

func (t *totals) write(out io.Writer, on *terminal.Out, log walcore.Log) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nKIND\tENTRIES\tBYTES\n")
	for _, r := range t.kinds.Rows() {
		fmt.Fprintf(w, "%s\t%d\t%d\n", r.Name, r.Entries, r.Bytes)
	}
	t.writePredicates(w, on)
	t.writePending(w)
	writeMembers(w, log)
	return w.Flush()
}

func (t *totals) writePredicates(w io.Writer, on *terminal.Out) {
	head := "\nPREDICATE\tENTRIES\tEDGES\tBYTES\n"
	for _, r := range t.predicates.Rows() {
		if r.Edges == 0 { // entries without any
			continue
		}
		name := on.CutAfter(numberColumns, terminal.Cut(quoted(r.Name), shownName))
		if r.Special() {
			name = "(more: walfs dump --format json --decode has all)"
		}
		fmt.Fprintf(w, "%s%s\t%d\t%d\t%d\n", head, name, r.Entries, r.Edges, r.Bytes)
		head = ""
	}
}

// writePending says which transactions are not decided. Only an Alpha's log has
// entries that begin or decide one.
func (t *totals) writePending(w io.Writer) {
	if !t.transactions {
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
	if p, ok := log.(walcore.Partial); ok && !p.Checked() {
		fmt.Fprintf(w, "\nmembers: walfs stat says who; for these entries not all of the log was read\n")
		return
	}
	members, err := membership.Replay(log)
	switch {
	case err != nil:
		fmt.Fprintf(w, "\nmembers unknown: %v\n", err)
		return
	case len(members) == 0:
		fmt.Fprintf(w, "\nno members as of %s\n", membersAsOf(log.Meta().System.Name))
		return
	}
	id := "RAFT_ID"
	if s := log.Meta().System.Name; s == walcore.Etcd || s == walcore.HashiCorp {
		id = "ID"
	}
	fmt.Fprintf(w, "\nmembers as of %s\n%s\tROLE\tADDRESS\n", membersAsOf(log.Meta().System.Name), id)
	for _, m := range members {
		fmt.Fprintf(w, "%s\t%s\t%s\n", m.Text, m.Role, addressText(m, log.Meta()))
	}
}

// membersAsOf says which configuration the members are of.
func membersAsOf(system string) string {
	if system == walcore.HashiCorp {
		return "the last configuration in the log"
	}
	return "the commit index"
}

// addressText is where a member is. Dgraph's log lacks the address of the node that
// began the group, which often is the one whose log it is.
func addressText(m membership.Member, of *walcore.Meta) string {
	address := cmp.Or(strings.TrimSpace(m.Name+" "+m.Address), "not in the log")
	if own := cmp.Or(of.RaftID, of.NodeID); own != nil && *own == m.ID {
		address += " (this node)"
	}
	return address
}
