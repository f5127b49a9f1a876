package dgraph

import (
	"sort"

	"github.com/walfs/walfs/walcore/format"
)

// run is slots that follow one another, whose indexes go up by one.
type run struct {
	slot  int    // its first slot
	n     int    // how many slots
	index uint64 // of its first slot
}

func (r run) last() uint64 { return r.index + uint64(r.n) - 1 }

// runsOf cuts n slots into runs. Slots with numbers that Raft cannot have
// reached are in none.
func runsOf(n int, slot func(int) format.Slot) []run {
	var runs []run
	for i := range n {
		s := slot(i)
		if s.Index > format.MaxNumber || s.Term > format.MaxNumber {
			continue
		}
		if k := len(runs) - 1; k >= 0 && runs[k].slot+runs[k].n == i && runs[k].index+uint64(runs[k].n) == s.Index {
			runs[k].n++
			continue
		}
		runs = append(runs, run{slot: i, n: 1, index: s.Index})
	}
	return runs
}

// longestChain picks runs so that indexes go up from each to the next, and, of
// all ways to do that, so that they have the most slots. A sound table is one run.
// Where a slot in it is damaged, the chain has all others; where slots are missing
// in the middle, it has those on both sides.
func longestChain(runs []run) []run {
	if len(runs) <= 1 {
		return runs
	}
	// For each run, in slot order, the heaviest chain that it can continue is
	// looked up: of those that end below its first index. The chains so far are
	// in a Fenwick tree of maxima over the ranks of their last indexes: compared
	// each with each, 30,000 runs would take seconds.
	lasts := make([]uint64, len(runs))
	for i, r := range runs {
		lasts[i] = r.last()
	}
	sort.Slice(lasts, func(i, j int) bool { return lasts[i] < lasts[j] })
	type chain struct{ weight, run int }
	tree := make([]chain, len(lasts)+1)
	prev := make([]int, len(runs))
	best := chain{run: -1}
	for i, r := range runs {
		c := chain{run: -1}
		below := sort.Search(len(lasts), func(k int) bool { return lasts[k] >= r.index })
		for k := below; k > 0; k -= k & -k {
			if tree[k].weight > c.weight {
				c = tree[k]
			}
		}
		prev[i] = c.run
		c = chain{weight: c.weight + r.n, run: i}
		if c.weight > best.weight {
			best = c
		}
		rank := sort.Search(len(lasts), func(k int) bool { return lasts[k] >= r.last() }) + 1
		for k := rank; k < len(tree); k += k & -k {
			if c.weight > tree[k].weight {
				tree[k] = c
			}
		}
	}
	var picked []run
	for i := best.run; i >= 0; i = prev[i] {
		picked = append(picked, runs[i])
	}
	for i, j := 0, len(picked)-1; i < j; i, j = i+1, j-1 {
		picked[i], picked[j] = picked[j], picked[i]
	}
	return picked
}

// entriesLostBetween reports whether entries are lost between two runs of one
// file: the snapshot does not cover them, or slots between the two are no entries.
func entriesLostBetween(a, b run, snapshot uint64) bool {
	return b.index > a.last()+1 && (b.index-1 > snapshot || a.slot+a.n < b.slot)
}

// dropIsolatedRuns leaves out runs of a single slot beside lost entries. Two
// slots in a row confirm each other's index. A single one is more likely an entry
// with a damaged index than the only one left of many, and would be shown as
// another entry than it is.
func dropIsolatedRuns(chain []run, snapshot uint64) []run {
	var kept []run
	for k, r := range chain {
		if r.n == 1 && (k > 0 && entriesLostBetween(chain[k-1], r, snapshot) ||
			k+1 < len(chain) && entriesLostBetween(r, chain[k+1], snapshot)) {
			continue
		}
		kept = append(kept, r)
	}
	return kept
}
