package explorer

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/status"
	"github.com/walfs/walfs/walcore/tally"
)

// transactionsPage is what templates/transactions.html shows.
type transactionsPage struct {
	Name string
	None string // why there are none

	Through, Last uint64 // the last index that is counted, and that of the log
	Done          bool
	Count         int // of all that are known
	Left          int // how many older ones were left off
	Open          *tally.Pending
	OpenUnknown   bool // it is not known which are pending

	Txn     string // the one that is asked for; "": all
	Pending bool   // only those that are
	Missing string // why the one that is asked for is not there
	Rows    []txnRow
	Axis    axis

	Earlier, Later, Newest string // addresses; "": there is none
}

// txnRow is a transaction.
type txnRow struct {
	StartTs, First, CommitTs, EndIndex uint64
	Edges, Entries                     uint64
	State                              string // committed, aborted, pending
	Open                               uint64 // from its first entry to its end, or to the last one that is counted
	Span                               rect
	Words                              string // what the drawing shows
}

// transactions is the page of a log's transactions: the newest, or those from an index on.
func (x *explorer) transactions(r *http.Request, now *replica.Moment) (*view, error) {
	query := r.URL.Query()
	p := &transactionsPage{Name: now.Replica.Name, Txn: strings.ReplaceAll(query.Get("txn"), ",", "")}
	p.Pending, _ = strconv.ParseBool(query.Get("pending"))
	v := &view{Template: "transactions", Title: "Transactions", Tab: "transactions", Data: p, Styles: []string{"entries.css"}}
	system := now.Log.Meta().System.Name
	if system != walcore.Dgraph || x.derived(now.Replica).app(now.Log) != payload.Alpha {
		p.None = noTransactions(system)
		return v, nil
	}
	if last, ok := now.Log.LastIndex(); ok {
		p.Last = last
	}
	t := now.Replica.Tally()
	if t == nil {
		return v, nil
	}
	p.Through, p.Done, p.Count, p.Left, p.Open = t.Through, t.Done, t.Txns.Len(), t.Txns.Left, t.Pending
	p.OpenUnknown = t.Done && t.Pending == nil
	from, err := indexFrom(query.Get("from"))
	if err != nil {
		return nil, err
	}
	var list []tally.Txn
	switch {
	case p.Txn != "":
		list, err = p.one(t.Txns)
	case p.Pending:
		list = p.open(t, from)
	default:
		list = p.page(t.Txns, from)
	}
	p.draw(list)
	return v, err
}

// noTransactions says why a log has none, and which have.
func noTransactions(system string) string {
	const which = " Transactions are in the logs of Dgraph's Alphas: their edges come in entries of their own, before what commits or aborts them."
	switch system {
	case walcore.Etcd:
		return "etcd decides a transaction in one entry: the entries of the kind " + payload.KindTxn + " are all there is of them." + which
	case walcore.HashiCorp:
		return "Entries of HashiCorp's library stand for themselves." + which
	}
	return "This log is a Zero's, or it is not known whose it is. A Zero decides on transactions whose edges are in the Alphas' logs." + which
}

// indexFrom reads an index of an address. Pages show numbers with commas.
func indexFrom(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(strings.ReplaceAll(text, ",", ""), 10, 64)
	if err != nil {
		return 0, badRequest("%q is no index: it is a number.", text)
	}
	return n, nil
}

// one is the transaction that is asked for.
func (p *transactionsPage) one(txns *tally.Txns) ([]tally.Txn, error) {
	ts, err := strconv.ParseUint(p.Txn, 0, 64)
	if err != nil {
		return nil, badRequest("%q is no start_ts: it is a number.", p.Txn)
	}
	at, ok := txns.ByStart(ts)
	if !ok {
		p.Missing = fmt.Sprintf("No entry up to %s has edges of a transaction with start_ts %d.", status.Grouped(p.Through), ts)
		return nil, nil
	}
	return []tally.Txn{txns.At(at)}, nil
}

// open is a page of the pending ones, the oldest first: these hold the log back.
func (p *transactionsPage) open(t *tally.Tally, from uint64) (list []tally.Txn) {
	if t.Pending == nil {
		return nil
	}
	if from > 0 {
		p.Earlier = link(p.Name, "transactions", "pending", true)
	}
	for _, txn := range t.Txns.Pending(t.Pending.Snapshot, t.Pending.Commit) {
		switch {
		case txn.First < from:
		case len(list) == pageRows:
			p.Later = link(p.Name, "transactions", "pending", true, "from", txn.First)
			return list
		default:
			list = append(list, txn)
		}
	}
	return list
}

// page is those from an index on, or the newest if that is 0.
func (p *transactionsPage) page(txns *tally.Txns, from uint64) (list []tally.Txn) {
	newest := max(txns.Len()-pageRows, 0)
	at := newest
	if from > 0 {
		at = txns.ByIndex(from)
	}
	for _, txn := range txns.From(at) {
		if len(list) == pageRows {
			p.Later = link(p.Name, "transactions", "from", txn.First)
			p.Newest = link(p.Name, "transactions")
			break
		}
		list = append(list, txn)
	}
	if at > 0 {
		p.Earlier = link(p.Name, "transactions", "from", txns.At(max(at-pageRows, 0)).First)
	}
	return list
}

// draw makes the rows, on one axis.
func (p *transactionsPage) draw(list []tally.Txn) {
	if len(list) == 0 {
		return
	}
	end := func(t tally.Txn) uint64 {
		if t.End > 0 {
			return t.End
		}
		return max(p.Through, t.Last)
	}
	p.Axis = axis{First: list[0].First}
	for _, t := range list {
		p.Axis.First = min(p.Axis.First, t.First)
		p.Axis.Last = max(p.Axis.Last, end(t))
	}
	for _, t := range list {
		r := txnRow{StartTs: t.StartTs, First: t.First, CommitTs: t.CommitTs, EndIndex: t.End, Edges: uint64(t.Edges),
			Entries: uint64(t.Entries), Open: end(t) - t.First, State: "pending", Span: p.Axis.span(t.First, end(t))}
		until := "is pending at"
		switch {
		case t.Committed():
			r.State, until = "committed", "committed at"
		case t.Aborted():
			r.State, until = "aborted", "aborted at"
		}
		r.Words = fmt.Sprintf("from %s, %s %s", status.Grouped(t.First), until, status.Grouped(end(t)))
		p.Rows = append(p.Rows, r)
	}
}
