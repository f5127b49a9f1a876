package dgraph

import (
	"slices"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// run is slots that follow one another, whose indexes go up by one.
type run struct {
	slot  int    // its first slot
	n     int    // how many slots
	index uint64 // of its first slot
}

func (r run) last() uint64 { return r.index + uint64(r.n) - 1 }

// slotFrom is the first slot of the run with an index of at least the given one,
// which is not above last.
func (r run) slotFrom(index uint64) int {
	if index <= r.index {
		return r.slot
	}
	return r.slot + int(index-r.index)
}

// runsOf cuts n slots into runs. Slots with numbers that Raft cannot have
// reached are in none.
func runsOf(n int, slot func(int) format.Slot) []run {
	var runs []run
	for i := range n {
		s := slot(i)
		if s.Index > walcore.MaxNumber || s.Term > walcore.MaxNumber {
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
// all ways to do that, so that they have the most slots. Where the last of two ways is
// another slot, it is the one whose index goes with its place. A sound table is one run.
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
	slices.Sort(lasts)
	type chain struct{ weight, run int }
	tree := make([]chain, len(lasts)+1)
	prev := make([]int, len(runs))
	best := chain{run: -1}
	// inStep: a run's index is as far behind the run before as its slot.
	inStep := func(i int) bool {
		return prev[i] >= 0 && runs[i].index == runs[prev[i]].last()+steps(runs[prev[i]], runs[i], true, 0)
	}
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
		if c.weight > best.weight || c.weight == best.weight && inStep(i) && !inStep(best.run) {
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
	slices.Reverse(picked)
	return picked
}

// entriesLostBetween reports whether entries are lost between two runs of one
// file: the snapshot does not cover them, or slots between the two are no entries.
func entriesLostBetween(a, b run, compactedTo uint64) bool {
	return b.index > a.last()+1 && (b.index-1 > compactedTo || a.slot+a.n < b.slot)
}

// Two slots in a row confirm each other's index. A run of a single slot has to be
// confirmed by something else: it would be shown as another entry than it is.

// loneRuns finds out which runs of single slots are confirmed, going through the log.
type loneRuns struct {
	snapIndex, snapTerm uint64 // the snapshot's; 0: none, or not known
	onlyOne             bool   // there is one slot in all files, and no snapshot to go by
	file                uint64 // the id of the file that is looked at
	before              run    // the run before that is an entry; n is 0 if there is none
	sameFile            bool   // it is in the same file
	behind              int    // how many slots its file has behind it
	behindEmpty         bool   // a file that stands between the two has no slots: it may have had the indexes between
}

// confirms reports whether a run's index can be believed, in a file of so many slots. next
// is the run after it in the same file, or the first one of the file behind; n is 0 if
// there is none.
func (l *loneRuns) confirms(r run, slots int, term uint64, next run, nextInFile bool) bool {
	switch {
	case r.n > 1 || l.onlyOne:
		return true
	case l.before.n > 0 && r.index == l.before.last()+steps(l.before, r, l.sameFile, l.behind):
		return true // it is as far behind as its slot is
	case next.n > 0 && next.index == r.index+steps(r, next, nextInFile, slotsBehind(r, slots)):
		return true
	case l.behindEmpty && !l.sameFile && r.slot == 0 && l.before.n > 0 && r.index > max(l.before.last(), l.snapIndex)+1:
		return true // the lost slots have left a hole, which is reported
	case r.index == l.snapIndex+1: // the log's first entry, or the first one after the snapshot
		return true
	}
	// The log's very first entry is in the first file.
	return r.index == 1 && l.file == 1 || r.index == l.snapIndex && term == l.snapTerm
}

// steps is how many slots b begins behind the last one of a, which is in the same file, or
// in one before that has so many slots behind it.
func steps(a, b run, sameFile bool, behind int) uint64 {
	if !sameFile {
		return uint64(behind + 1 + b.slot)
	}
	return uint64(b.slot - (a.slot + a.n - 1))
}

// slotsBehind is how many of a file's slots stand behind a run.
func slotsBehind(r run, slots int) int { return slots - r.slot - r.n }

// entries drops the runs of a file that nothing confirms. next is the first run of the
// file behind.
func (l *loneRuns) entries(f slotFile, chain []run, next run) []run {
	l.file, l.sameFile = f.id, false
	var kept []run
	for k, r := range chain {
		after, inFile := next, false
		if k+1 < len(chain) {
			after, inFile = chain[k+1], true
		}
		if !l.confirms(r, f.Len(), f.Term(r.slot), after, inFile) {
			continue
		}
		kept = append(kept, r)
		l.before, l.sameFile, l.behind = r, true, slotsBehind(r, f.Len())
	}
	return kept
}

// place is the index that a file's place in the log goes by: that of the first run with
// more than a slot, if there is one.
func place(chain []run) uint64 {
	for _, r := range chain {
		if r.n > 1 {
			return r.index
		}
	}
	return chain[0].index
}
