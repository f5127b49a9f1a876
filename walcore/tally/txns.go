package tally

import (
	"iter"
	"slices"
	"sort"
)

// MaxTxns is how many transactions a Txns has at most: the newest.
const MaxTxns = 1 << 20

// Txn is a transaction as the log shows it.
type Txn struct {
	StartTs     uint64
	First, Last uint64 // the indexes of the first and of the last entry with edges of it
	// End is the index of the entry that decided it; 0: none has. CommitTs is 0 if that was
	// an abort.
	End, CommitTs  uint64
	Edges, Entries uint32 // its edges, and how many entries they are in
}

// Committed reports whether the transaction was committed.
func (t *Txn) Committed() bool { return t.End > 0 && t.CommitTs > 0 }

// Aborted reports whether the transaction was aborted.
func (t *Txn) Aborted() bool { return t.End > 0 && t.CommitTs == 0 }

// decidedBy reports whether the transaction was decided up to an index.
func (t *Txn) decidedBy(index uint64) bool { return t.End > 0 && t.End <= index }

// Txns is transactions in the order in which they began. Positions count from 0, which is the
// oldest that is there. It does not change.
type Txns struct {
	blocks []*block
	len    int
	// Left is how many older ones are left off.
	Left int
}

// Len is how many transactions there are.
func (t *Txns) Len() int { return t.len }

// At gives the transaction at a position below Len.
func (t *Txns) At(position int) Txn {
	return t.blocks[position/blockSize].txns[position%blockSize]
}

// From goes through the transactions from a position on.
func (t *Txns) From(position int) iter.Seq2[int, Txn] {
	return func(yield func(int, Txn) bool) {
		for i := max(position, 0); i < t.len; i++ {
			if !yield(i, t.At(i)) {
				return
			}
		}
	}
}

// ByIndex is the position of the first transaction that began at or behind an index; Len if
// there is none.
func (t *Txns) ByIndex(index uint64) int {
	return sort.Search(t.len, func(i int) bool { return t.At(i).First >= index })
}

// ByStart finds the newest transaction with a start timestamp. They begin about in the order
// of these, so that few blocks are looked at.
func (t *Txns) ByStart(ts uint64) (position int, ok bool) {
	for i, b := range slices.Backward(t.blocks) {
		if ts < b.minStart || ts > b.maxStart {
			continue
		}
		for k := range slices.Backward(b.txns) {
			if b.txns[k].StartTs == ts {
				return i*blockSize + k, true
			}
		}
	}
	return 0, false
}

// Pending goes through the transactions that are pending at a commit index: begun up to there
// and behind a snapshot's index, and not decided up to there.
func (t *Txns) Pending(snapshot, commit uint64) iter.Seq2[int, Txn] {
	return func(yield func(int, Txn) bool) {
		for i, b := range t.blocks {
			if b.open == 0 && b.lastEnd <= commit {
				continue // all are decided by then
			}
			for k := range b.txns {
				// One that has edges on both sides of the snapshot began behind it, as a
				// node that starts from it sees that.
				txn := &b.txns[k]
				if txn.First <= commit && txn.Last > snapshot && !txn.decidedBy(commit) && !yield(i*blockSize+k, *txn) {
					return
				}
			}
		}
	}
}
