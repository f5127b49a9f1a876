package pending_test

import (
	"reflect"
	"testing"

	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/pending"
)

// TestTxns: a transaction is pending from its first edge until it is decided.
func TestTxns(t *testing.T) {
	var txns pending.Txns
	edges := func(index, ts uint64) { txns.Add(&payload.Facts{StartTs: ts, Edges: 1}, index) }
	edges(1, 30)
	edges(2, 20)
	edges(3, 30)
	txns.Add(&payload.Facts{StartTs: 40}, 4) // a schema begins none
	want := []pending.Txn{{StartTs: 30, First: 1, Entries: 2}, {StartTs: 20, First: 2, Entries: 1}}
	if got := txns.List(); !reflect.DeepEqual(got, want) || txns.Len() != 2 {
		t.Errorf("got %+v", got)
	}
}

// TestMaxTracked: of transactions beyond the bound only their number is known.
func TestMaxTracked(t *testing.T) {
	var txns pending.Txns
	for ts := range uint64(pending.MaxTracked + 3) {
		txns.Add(&payload.Facts{StartTs: ts + 1, Edges: 1}, ts+1)
	}
	if txns.Len() != pending.MaxTracked+3 || txns.Untracked() != 3 || len(txns.List()) != pending.MaxTracked {
		t.Errorf("%d pending, %d untracked, %d listed", txns.Len(), txns.Untracked(), len(txns.List()))
	}
}
