package pending

import (
	"cmp"
	"slices"

	"github.com/walfs/walfs/walcore/payload"
)

// MaxTracked is how many transactions a Txns remembers. Of those beyond, it only knows
// how many began.
const MaxTracked = 100_000

// Txn is a transaction that is pending.
type Txn struct {
	StartTs uint64 `json:"start_ts"`
	First   uint64 `json:"first_index"` // the entry that it began in
	Entries int    `json:"entries"`     // how many have edges of it
}

// Txns is the transactions that are pending behind some entry. The zero value is ready to
// use; entries are given to it by index.
type Txns struct {
	open      map[uint64]*Txn
	untracked int

	// Commits and Aborts are how many decisions there were so far, also of transactions
	// that began before the first entry.
	Commits, Aborts int
}

// Add takes the next entry.
func (t *Txns) Add(f *payload.Facts, index uint64) {
	if ts, ok := f.Starts(); ok {
		t.start(ts, index)
	}
	t.Commits += f.Commits
	t.Aborts += f.Aborts
	if len(t.open) == 0 {
		return
	}
	for txn := range f.Txns() {
		delete(t.open, txn.StartTs)
	}
}

func (t *Txns) start(ts, index uint64) {
	if txn, known := t.open[ts]; known {
		txn.Entries++
		return
	}
	if len(t.open) == MaxTracked {
		t.untracked++
		return
	}
	if t.open == nil {
		t.open = map[uint64]*Txn{}
	}
	t.open[ts] = &Txn{StartTs: ts, First: index, Entries: 1}
}

// Len is how many are pending, Untracked included.
func (t *Txns) Len() int { return len(t.open) + t.untracked }

// Untracked is how many began while MaxTracked were pending. Whether they were decided
// is not known.
func (t *Txns) Untracked() int { return t.untracked }

// List is those that are pending, but for the untracked ones, by the entry they began in.
func (t *Txns) List() []Txn {
	list := make([]Txn, 0, len(t.open))
	for _, txn := range t.open {
		list = append(list, *txn)
	}
	slices.SortFunc(list, func(a, b Txn) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.StartTs, b.StartTs))
	})
	return list
}
