package api

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore/tally"
	"github.com/walfs/walfs/walcore/wording"
)

// mostTransactions is how many one answer has at most.
const mostTransactions = 1000

// transaction is one that the log shows.
type transaction struct {
	StartTs    uint64  `json:"start_ts"`
	FirstIndex uint64  `json:"first_index"`
	LastIndex  uint64  `json:"last_index"`
	Edges      uint32  `json:"edges"`
	Entries    uint32  `json:"entries"`
	State      string  `json:"state"`
	EndIndex   *uint64 `json:"end_index"` // null: it is pending
	CommitTs   *uint64 `json:"commit_ts"`
}

// transactions is a page of them.
type transactions struct {
	Through      uint64        `json:"through"`
	Done         bool          `json:"done"`
	LeftOff      int           `json:"left_off"`
	Transactions []transaction `json:"transactions"`
	Next         *uint64       `json:"next"` // as from; null: there are no more
}

func transactionOf(t tally.Txn) transaction {
	x := transaction{StartTs: t.StartTs, FirstIndex: t.First, LastIndex: t.Last, Edges: t.Edges, Entries: t.Entries, State: "pending"}
	if t.End > 0 {
		x.EndIndex = &t.End
	}
	if t.Committed() {
		x.State, x.CommitTs = "committed", &t.CommitTs
	} else if t.Aborted() {
		x.State = "aborted"
	}
	return x
}

// transactions gives the transactions that an Alpha's log shows, in the order in which they
// began. No two begin in one entry.
func (a *api) transactions(m *replica.Moment, w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if err := only(q, "from", "limit", "pending", "txn"); err != nil {
		return err
	}
	pending, err := flag(q, "pending")
	if err != nil {
		return err
	}
	from, err := number(q, "from", 0)
	if err != nil {
		return err
	}
	limit, err := number(q, "limit", usualLimit)
	if err == nil && (limit == 0 || limit > mostTransactions) {
		err = badRequest(fmt.Errorf("limit: want 1 to %d", mostTransactions))
	}
	if err != nil {
		return err
	}
	ts, err := number(q, "txn", 0)
	if err != nil {
		return err
	}
	page := transactions{Transactions: []transaction{}}
	t := m.Replica.Tally()
	if t == nil {
		return sendValue(w, page)
	}
	page.Through, page.Done, page.LeftOff = t.Through, t.Done, t.Txns.Left
	if q.Get("txn") != "" {
		if at, ok := t.Txns.ByStart(ts); ok {
			page.Transactions = append(page.Transactions, transactionOf(t.Txns.At(at)))
		}
		return sendValue(w, page)
	}
	for _, txn := range t.Txns.From(t.Txns.ByIndex(from)) {
		if pending && txn.End > 0 {
			continue
		}
		if uint64(len(page.Transactions)) == limit {
			page.Next = &txn.First
			break
		}
		page.Transactions = append(page.Transactions, transactionOf(txn))
	}
	return sendValue(w, page)
}

// only fails if there is a parameter of another name.
func only(q url.Values, names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(names, name) {
			return badRequest(fmt.Errorf("there is no %q here: want %s", name, wording.OneOf(names)))
		}
	}
	return nil
}

// number is a parameter that is a number.
func number(q url.Values, name string, otherwise uint64) (uint64, error) {
	text := q.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, badRequest(fmt.Errorf("%s: want a number, got %q: %w", name, text, errors.Unwrap(err)))
	}
	return n, nil
}
