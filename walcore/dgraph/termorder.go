package dgraph

import (
	"cmp"
	"iter"
	"slices"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// termOrder checks that terms never go down. Where they do, there are three ways in which
// that can have come: a term is damaged, and too high; one is damaged, and too low; or the
// lower ones are what a rewrite has left that has reached the disk in part. Those must not
// be shown, and they can be told:
//
//   - they begin where a sector begins, or a file: a disk writes sectors whole;
//   - none of them has the term of the rewrite: what a leader puts in the place of an entry
//     is of another term than all that it replaces;
//   - the rewrite's term is one in which the node has voted.
type termOrder struct {
	hard  uint64    // the hard state's term, which no entry's exceeds; 0: not known
	voted slotPlace // the last slot whose term does not exceed it
	last  uint64    // the highest so far

	// Where terms go down: the slots in order, and for each the place in it of the first
	// one behind whose term is not lower, or -1.
	places   []slotPlace
	notLower []int
}

// slotPlace is a slot's place in the log's order.
type slotPlace struct{ file, slot int }

func (p slotPlace) before(q slotPlace) bool {
	return p.file < q.file || p.file == q.file && p.slot < q.slot
}

// slotsPerSector: a disk writes sectors of at least 512 bytes whole.
const slotsPerSector = 512 / format.SlotSize

// check drops the slots of a run whose term is out of order.
func (o *termOrder) check(b *orderBuilder, file int, r run) {
	f, end := b.files[file], r.slot+r.n
	if f.summary != nil && b.found[file].dropped == nil && f.Term(r.slot) >= o.last && o.judge(b, slotPlace{file, end - 1}).fits() {
		o.last = f.Term(end - 1)
		return
	}
	for i := r.slot; i < end; i++ {
		term := f.Term(i)
		switch {
		case b.found[file].isDropped(i):
		case term < o.last:
			b.drop(file, i)
			b.report(file, i, walcore.KindTerm, "term %d after term %d: left from before a rewrite, or one of the two is damaged", term, o.last)
		default:
			o.take(b, slotPlace{file, i}, o.judge(b, slotPlace{file, i}))
		}
	}
}

// take takes a slot for an entry, or drops it.
func (o *termOrder) take(b *orderBuilder, at slotPlace, found termFault) {
	term := b.term(at)
	switch {
	case found.aboveHard:
		b.drop(at.file, at.slot)
		b.report(at.file, at.slot, walcore.KindTerm, "term %d, the hard state's is %d, and entries behind it do not exceed that", term, o.hard)
	case found.tooHigh:
		b.drop(at.file, at.slot)
		b.report(at.file, at.slot, walcore.KindTerm, "term %d before term %d, which the entries after it bear out", term, b.term(found.next))
	case found.either:
		b.drop(at.file, at.slot)
		b.drop(found.next.file, found.next.slot)
		for _, p := range []slotPlace{at, found.next} {
			b.report(p.file, p.slot, walcore.KindTerm, "term %d before term %d: one of the two is damaged, and nothing tells which",
				term, b.term(found.next))
		}
	default:
		o.last = term
	}
}

// termFault says what is wrong with a term that is not below those before it.
type termFault struct {
	aboveHard bool
	tooHigh   bool
	either    bool      // it is too high, or next too low
	next      slotPlace // the entry behind it
}

func (t termFault) fits() bool { return !t.aboveHard && !t.tooHigh && !t.either }

// judge compares a slot's term with those behind it.
func (o *termOrder) judge(b *orderBuilder, at slotPlace) (found termFault) {
	next, ok := b.next(at)
	if !ok {
		return found
	}
	term, nextTerm := b.term(at), b.term(next)
	found.next = next
	switch {
	case o.hard > 0 && term > o.hard && at.before(o.voted) && term != o.last && term != nextTerm:
		found.aboveHard = true // where two entries have such a term, the hard state is older
		return found
	case nextTerm >= term, nextTerm < o.last: // it goes up, or it is the next one that is too low
		return found
	}
	together := next.file == at.file && next.slot/slotsPerSector == at.slot/slotsPerSector
	if together || o.comesAgain(b, at) { // the lower ones are not what a rewrite has left
		second, ok := b.next(next)
		found.tooHigh = ok && b.term(second) < term
		found.either = !found.tooHigh
	}
	return found
}

// comesAgain reports whether a slot's term comes again behind lower ones. In the same
// file, where a sector begins, others of the rewrite may have reached the disk.
func (o *termOrder) comesAgain(b *orderBuilder, at slotPlace) bool {
	if o.places == nil {
		o.findNotLower(b)
	}
	i, ok := slices.BinarySearchFunc(o.places, at, func(p, q slotPlace) int { return cmp.Or(p.file-q.file, p.slot-q.slot) })
	if !ok || o.notLower[i] < 0 {
		return false
	}
	p := o.places[o.notLower[i]]
	return b.term(p) == b.term(at) && (at.slot == b.files[at.file].Len()-1 || p.slot%slotsPerSector != 0)
}

// findNotLower finds, for each slot, the first one behind it whose term is not lower: those
// of the slots behind that can be it are in a stack, the nearest on top.
func (o *termOrder) findNotLower(b *orderBuilder) {
	o.places = slices.Collect(b.from(slotPlace{}, 0))
	o.notLower = make([]int, len(o.places))
	var stack []int
	for i, p := range slices.Backward(o.places) {
		for len(stack) > 0 && b.term(o.places[stack[len(stack)-1]]) < b.term(p) {
			stack = stack[:len(stack)-1]
		}
		o.notLower[i] = -1
		if len(stack) > 0 {
			o.notLower[i] = stack[len(stack)-1]
		}
		stack = append(stack, i)
	}
}

// findVoted finds the last slot whose term does not exceed the hard state's.
func (o *termOrder) findVoted(b *orderBuilder) {
	if o.hard == 0 {
		return
	}
	for file := len(b.files) - 1; file >= 0; file-- {
		for k := len(b.chains[file]) - 1; k >= 0; k-- {
			r := b.chains[file][k]
			for i := r.slot + r.n - 1; i >= r.slot; i-- {
				if t := b.files[file].Term(i); t > 0 && t <= o.hard && !b.found[file].isDropped(i) {
					o.voted = slotPlace{file, i}
					return
				}
			}
		}
	}
}

// next is the slot behind one, in this file or another.
func (b *orderBuilder) next(at slotPlace) (next slotPlace, ok bool) {
	for next = range b.from(slotPlace{at.file, at.slot + 1}, b.files[at.file].Index(at.slot)) {
		return next, true
	}
	return next, false
}

func (b *orderBuilder) term(p slotPlace) uint64 { return b.files[p.file].Term(p.slot) }

// from goes through the slots from a place on, through all files, whose indexes go up from
// above the one given.
func (b *orderBuilder) from(at slotPlace, index uint64) iter.Seq[slotPlace] {
	return func(yield func(slotPlace) bool) {
		for file, from := at.file, at.slot; file < len(b.files); file, from = file+1, 0 {
			chain := b.chains[file]
			first := sort.Search(len(chain), func(k int) bool { return chain[k].slot+chain[k].n > from && chain[k].last() > index })
			for _, r := range chain[first:] {
				for i := max(r.slot, from); i < r.slot+r.n; i++ {
					if b.found[file].isDropped(i) || b.files[file].Index(i) <= index {
						continue
					}
					if index = b.files[file].Index(i); !yield(slotPlace{file, i}) {
						return
					}
				}
			}
		}
	}
}
