package explorer

import (
	"strconv"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore/stats"
	"github.com/walfs/walfs/walcore/tally"
)

// contents is what a log's payloads add up to, as far as they are counted.
type contents struct {
	Done             bool
	Counted, Entries int64
	Through          uint64
	Unreadable       int64
	Tables           []sumTable
	Txns             int         // how many the log shows; 0 in one that has none
	Pending          *pendingSum // nil: not known, or the log has no transactions
}

// sumTable is sums by kind, by predicate or by something else.
type sumTable struct {
	By    stats.By
	Title string
	Rows  []sumRow
	Left  int // how many more rows there are
}

type sumRow struct {
	Name           string
	Link           string // "": no filter gives these entries
	Entries, Bytes int64
	Share          string // of all bytes, in per cent
	Width          string // of its bar
}

// pendingSum is how many transactions are pending.
type pendingSum struct {
	Count, Unknown int
	Oldest         uint64 // index where it began; 0: none is pending
}

// titles are those of the tables, in the page's order.
var titles = []struct {
	by    stats.By
	title string
}{
	{stats.Kind, "What fills it"},
	{stats.Predicate, "Predicates"},
	{stats.Namespace, "Namespaces"},
	{stats.Member, "Who proposed it"},
	{stats.Size, "Sizes of payloads"},
}

// maxSumRows is how many rows a table has.
const maxSumRows = 12

// contentsOf is nil before anything was counted.
func contentsOf(now *replica.Moment) *contents {
	t := now.Replica.Tally()
	if t == nil {
		return nil
	}
	c := &contents{Done: t.Done, Counted: t.Counted.Entries, Entries: t.Entries, Through: t.Through, Unreadable: t.Unreadable}
	for _, title := range titles {
		if table := t.Table(title.by); table != nil && worthATable(table) {
			c.Tables = append(c.Tables, sumTableOf(now.Replica.Name, title.title, table))
		}
	}
	if t.Txns != nil {
		c.Txns = t.Txns.Len()
	}
	if t.Pending != nil {
		c.Pending = pendingOf(t)
	}
	return c
}

// worthATable reports whether a table has a row for a value. Only by kind, rows that stand for
// none are worth one; and one namespace is every log's.
func worthATable(t *stats.Table) bool {
	values := 0
	rows, _ := t.Top(maxSumRows)
	for i := range rows {
		if !rows[i].Special() {
			values++
		}
	}
	switch t.By {
	case stats.Kind:
		return len(rows) > 0
	case stats.Namespace:
		return values > 1
	}
	return values > 0
}

func sumTableOf(name, title string, t *stats.Table) sumTable {
	rows, left := t.Top(maxSumRows)
	s := sumTable{By: t.By, Title: title, Left: left}
	for i := range rows {
		r := &rows[i]
		row := sumRow{Name: r.Name, Entries: r.Entries, Bytes: r.Bytes}
		if !r.Special() && t.By != stats.Size {
			row.Link = link(name, "entries", t.By, r.Name)
		}
		part := 100 * float64(r.Bytes) / float64(max(t.Total.Bytes, 1))
		row.Share, row.Width = strconv.FormatFloat(part, 'f', 1, 64)+"%", percent(min(part, 100))
		s.Rows = append(s.Rows, row)
	}
	return s
}

func pendingOf(t *tally.Tally) *pendingSum {
	p := &pendingSum{Count: t.Pending.Count, Unknown: t.Pending.Unknown}
	if t.Txns != nil && p.Count > 0 {
		for _, txn := range t.Txns.Pending(t.Pending.Snapshot, t.Pending.Commit) {
			p.Oldest = txn.First
			break
		}
	}
	return p
}
