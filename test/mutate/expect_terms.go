//go:build linux

package mutate

import "slices"

// terms looks at all terms at once: nothing tells that one has changed, as long as
// they never go down and agree with the snapshot and the hard state.
func (x *expectation) terms() {
	l := x.base.layout
	last, changed := uint64(0), false
	ordered, voted := true, true
	for _, f := range l.files {
		for i, s := range x.slots[f.name] {
			was := f.slots[i]
			if s.index != was.index {
				continue // that is seen already
			}
			changed = changed || s.term != was.term
			voted = voted && s.term <= x.voted
			if s.term < last || was.index == l.meta.snapshotIndex && s.term != l.meta.snapshotTerm ||
				was.index > l.meta.snapshotIndex && s.term < l.meta.snapshotTerm {
				ordered = false
			}
			last = s.term
		}
	}
	if changed && !voted {
		x.see("a term is above the hard state's") // either of the two can be wrong
	}
	switch {
	case changed && !ordered:
		x.see("terms go down, or contradict the snapshot")
		x.termsOfRewrites()
	case changed:
		for _, f := range l.files {
			for i, s := range x.slots[f.name] {
				if was := f.slots[i]; s.term != was.term && s.index == was.index {
					x.allow(was.index, may{term: s.sum == 0})
				}
			}
		}
	}
}

// slotsPerSector: a disk writes so many slots at once.
const slotsPerSector = 512 / slotSize

// place is a slot in the log.
type place struct {
	slot
	at      int
	endOf   bool // it is its file's last slot
	changed bool // its term is another than it was
}

// goesWithOthers reports whether nothing tells that the term of slot k has changed: it
// goes with the snapshot's, and with those that have not.
func (x *expectation) goesWithOthers(all []place, k int) bool {
	if m := x.base.layout.meta; all[k].index >= m.snapshotIndex && all[k].term < m.snapshotTerm {
		return false
	}
	return !slices.ContainsFunc(all[:k], func(p place) bool { return !p.changed && p.term > all[k].term }) &&
		!slices.ContainsFunc(all[k+1:], func(p place) bool { return !p.changed && p.term < all[k].term })
}

// termsOfRewrites allows for terms behind which terms go down as a rewrite leaves it that a
// crash has cut off: the slots behind it, or the files, are from before the rewrite. Either
// the term is damaged or those are stale, and nothing tells which, as long as none of them has
// the rewrite's term, in which the node has voted. It also allows for those of several
// changed terms that nothing tells of.
func (x *expectation) termsOfRewrites() {
	var all []place
	for _, f := range x.base.layout.files {
		for i, s := range x.slots[f.name] {
			if s.index == f.slots[i].index {
				all = append(all, place{s, i, i == len(f.slots)-1, s.term != f.slots[i].term})
			}
		}
	}
	for k, p := range all {
		if p.changed && x.goesWithOthers(all, k) {
			x.allow(p.index, may{term: p.sum == 0})
			continue
		}
		begins := p.endOf || (p.at+1)%slotsPerSector == 0
		if !p.changed || !begins || p.term > x.voted {
			continue
		}
		again := slices.IndexFunc(all[k+1:], func(q place) bool { return q.term >= p.term })
		if again >= 0 {
			q := all[k+1:][again]
			if q.term == p.term && (p.endOf || q.at%slotsPerSector != 0) {
				continue
			}
		}
		x.allow(p.index, may{term: p.sum == 0})
	}
}
