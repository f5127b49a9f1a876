package dgraph

import (
	"sort"

	"github.com/walfs/walfs/walcore/format"
)

// run is a stretch of slots whose indexes go up by one.
type run struct {
	slot  int    // its first slot
	n     int    // how many slots
	index uint64 // of its first slot
}

func (r run) last() uint64 { return r.index + uint64(r.n) - 1 }

// runsOf cuts a slot table into runs. Numbers that Raft cannot have reached
// are left out.
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

// longestChain picks, of the runs in slot order, those that follow one another
// upwards and hold the most entries. A sound table is one run; with a damaged
// slot in it, the chain is all the rest, wherever the slot lies; with a gap in
// it, the chain has both sides.
func longestChain(runs []run) []run {
	if len(runs) <= 1 {
		return runs
	}
	// best[k] is the heaviest chain that ends in a run whose last index has
	// rank k or less: a Fenwick tree of maxima over the ranks.
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

// holeBetween reports whether entries are lost between two runs of one file: a
// snapshot does not stand for them, or slots between the two are no entries.
func holeBetween(a, b run, snapshot uint64) bool {
	return b.index > a.last()+1 && (b.index-1 > snapshot || a.slot+a.n < b.slot)
}

// withoutLoners leaves out the runs of one slot beside a hole in the log. Two
// slots that follow one another vouch for each other's index; one alone is
// less likely the rest of a gap than an entry with a damaged index, and would
// be shown under another's name.
func withoutLoners(chain []run, snapshot uint64) []run {
	var kept []run
	for k, r := range chain {
		if r.n == 1 && (k > 0 && holeBetween(chain[k-1], r, snapshot) ||
			k+1 < len(chain) && holeBetween(r, chain[k+1], snapshot)) {
			continue
		}
		kept = append(kept, r)
	}
	return kept
}
