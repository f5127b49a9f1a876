package dgraph

import (
	"fmt"
	"slices"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// slotFile is a log file as far as its slots tell, which is all that the order of
// the log depends on.
type slotFile struct {
	id   uint64
	name string
	size int64
	*slotTable
}

// inPayloadArea reports whether the file has room for a length at an offset.
func (f slotFile) inPayloadArea(offset uint64) bool {
	return offset >= format.PayloadAt && offset <= uint64(max(f.size-format.LengthSize, 0))
}

// slotFindings is what the log has of a file, and what is wrong with the others
// of its slots.
type slotFindings struct {
	entrySlots
	problems problemList
}

// span is a run of indexes and the file that holds it.
type span struct {
	run
	file int  // its place in the log's order
	lost bool // the indexes between the span before and this one are damage
}

// logOrder is log files put one after the other: by their first indexes, those
// without entries last.
type logOrder struct {
	files []int          // which of the given files comes at a place
	found []slotFindings // of each file, by its place
	spans []span         // upwards, without overlap
	terms []walcore.TermSpan
}

// last is the place of the last file that the log has entries from, -1 for none.
func (o *logOrder) last() int {
	if len(o.spans) == 0 {
		return -1
	}
	return o.spans[len(o.spans)-1].file
}

// orderLog puts files in order. unreadable are the ids of those whose slots are not
// known. Up to compactedTo indexes may be missing: a follower that lagged has got a
// snapshot instead, whose term is snapTerm. hardTerm is the hard state's term, 0 if it is not known.
func orderLog(files []slotFile, unreadable []uint64, compactedTo, snapTerm, hardTerm uint64) logOrder {
	b := orderBuilder{unreadable: unreadable, compactedTo: compactedTo, terms: termOrder{hard: hardTerm}}
	chains := make([][]run, len(files))
	places := make([]int, len(files))
	for i, f := range files {
		chains[i], places[i] = f.chain, i
	}
	sort.SliceStable(places, func(i, j int) bool {
		a, b := chains[places[i]], chains[places[j]]
		if len(a) == 0 || len(b) == 0 {
			return len(a) > len(b)
		}
		if place(a) != place(b) {
			return place(a) < place(b)
		}
		return files[places[i]].id < files[places[j]].id
	})
	b.found = make([]slotFindings, len(files))
	lone := loneRuns{snapIndex: compactedTo, snapTerm: snapTerm, onlyOne: compactedTo == 0 && countSlots(files) == 1}
	for at, i := range places {
		var next run
		if at+1 < len(places) && len(chains[places[at+1]]) > 0 {
			next = chains[places[at+1]][0]
		}
		lone.behindEmpty = at > 0 && emptyBetween(files, files[places[at-1]].id, files[i].id)
		chains[i] = lone.entries(files[i], chains[i], next)
	}
	for at, i := range places {
		b.files, b.chains = append(b.files, files[i]), append(b.chains, chains[i])
		b.checkFile(at, chains[i])
	}
	b.terms.findVoted(&b)
	for at, chain := range b.chains {
		for _, r := range chain {
			if r = b.withoutRepeats(at, r); r.n > 0 {
				b.add(at, r)
			}
		}
	}
	return logOrder{files: places, found: b.found, spans: b.spans, terms: b.countTerms()}
}

// emptyBetween reports whether a file without slots is between two ids.
func emptyBetween(files []slotFile, low, high uint64) bool {
	return high > low+1 && slices.ContainsFunc(files, func(f slotFile) bool { return f.id > low && f.id < high && f.Len() == 0 })
}

func countSlots(files []slotFile) (n int) {
	for _, f := range files {
		n += f.Len() + len(f.leftovers)
	}
	return n
}

// orderBuilder is a log that is being put in order.
type orderBuilder struct {
	files       []slotFile // in order
	chains      [][]run    // of each of them, its slots whose indexes are in order
	unreadable  []uint64
	compactedTo uint64
	terms       termOrder

	found []slotFindings
	spans []span
}

// drop says that a slot is no entry, whether it is in a run or not.
func (b *orderBuilder) drop(file, slot int) {
	if b.found[file].dropped == nil {
		b.found[file].dropped = make([]bool, b.files[file].Len())
	}
	b.found[file].dropped[slot] = true
}

// report says what is wrong with a slot.
func (b *orderBuilder) report(file, slot int, kind walcore.Kind, text string, args ...any) {
	f := b.files[file]
	b.found[file].problems.slot(f.name, slot, f.Slot(slot), kind, fmt.Sprintf(text, args...))
}

// checkFile looks at a file by itself. chain is its slots whose indexes are in
// order.
func (b *orderBuilder) checkFile(file int, chain []run) {
	f, problems := b.files[file], &b.found[file].problems
	for i, s := range f.leftovers {
		problems.slot(f.name, f.leftoverAt[i], s, walcore.KindLeftover, fmt.Sprintf(
			"stands behind the end of the table (slot %d is empty): left by a rewrite that was cut off, or the slots before it are lost", f.Len()))
	}
	if f.size < format.PayloadAt {
		problems.add(walcore.FileProblem(f.name, walcore.KindCut, fmt.Sprintf(
			"%d bytes, a log file has at least %d: cut short, or being deleted", f.size, format.PayloadAt)))
	}
	if f.summary != nil && len(chain) > 0 && f.inPayloadArea(f.low) && f.inPayloadArea(f.high) {
		return
	}
	next := 0
	for i := range f.Len() {
		for next < len(chain) && i >= chain[next].slot+chain[next].n {
			next++
		}
		b.checkSlot(file, i, next < len(chain) && i >= chain[next].slot)
	}
}

// checkSlot looks at a slot. inChain says that its index is in order.
func (b *orderBuilder) checkSlot(file, i int, inChain bool) {
	f := b.files[file]
	hasRoom := f.inPayloadArea(f.Offset(i))
	if inChain && hasRoom && f.knownType(i) {
		return
	}
	switch s := f.Slot(i); {
	case s.Index > walcore.MaxNumber || s.Term > walcore.MaxNumber:
		b.drop(file, i)
		b.report(file, i, walcore.KindRange, "term %d, index %d: no log gets there", s.Term, s.Index)
	case !inChain:
		b.drop(file, i)
		b.report(file, i, walcore.KindOrder, "the index does not fit those around it")
	case !hasRoom:
		b.drop(file, i)
		b.report(file, i, walcore.KindOffset, "the data offset %d is not between %d and the file's end at %d", s.Offset, format.PayloadAt, f.size)
	default:
		b.report(file, i, walcore.KindType, "type %d is none of Raft's: the entry is not under types/", s.Type)
	}
}

// last is the last index so far, 0 for none.
func (b *orderBuilder) last() uint64 {
	if len(b.spans) == 0 {
		return 0
	}
	return b.spans[len(b.spans)-1].last()
}

// withoutRepeats reports the first indexes of a run that the log has already, and
// gives the rest. An index with two terms belongs to neither: nothing here tells
// which one a leader has kept.
func (b *orderBuilder) withoutRepeats(file int, r run) run {
	for r.n > 0 && r.index <= b.last() {
		term := b.files[file].Term(r.slot)
		old, i, ok := findSlot(b.spans, r.index)
		switch {
		case b.found[file].isDropped(r.slot):
		case !ok || b.found[old].isDropped(i) && b.files[old].Term(i) == term:
			b.report(file, r.slot, walcore.KindOrder, "the index lies between those of a file before")
		case b.files[old].Term(i) == term:
			b.report(file, r.slot, walcore.KindDuplicate, "%s slot %d holds the same entry", b.files[old].name, i)
		default:
			b.drop(old, i)
			b.report(file, r.slot, walcore.KindConflict, "term %d here, term %d in %s slot %d: neither is shown",
				term, b.files[old].Term(i), b.files[old].name, i)
		}
		r = run{slot: r.slot + 1, n: r.n - 1, index: r.index + 1}
	}
	return r
}

// add puts a run at the log's end.
func (b *orderBuilder) add(file int, r run) {
	lost := false
	if k := len(b.spans) - 1; k >= 0 && r.index > b.last()+1 {
		before := b.spans[k]
		if before.file == file {
			lost = entriesLostBetween(before.run, r, b.compactedTo)
		} else {
			lost = r.index-1 > b.compactedTo
		}
		if lost {
			b.reportLost(before.file, file, r)
		}
	}
	b.terms.check(b, file, r)
	b.found[file].runs = append(b.found[file].runs, r)
	b.spans = append(b.spans, span{run: r, file: file, lost: lost})
}

// reportLost says that entries are missing between the log's end, in the file
// before, and a run.
func (b *orderBuilder) reportLost(before, file int, r run) {
	from := b.last() + 1
	message := fmt.Sprintf("entries %d to %d are in none of the slots", from, r.index-1)
	if id, ok := unreadableBetween(b.unreadable, b.files[before].id, b.files[file].id); ok {
		message += fmt.Sprintf(" that can be read; they may be in %s", format.FileName(id))
	}
	b.found[file].problems.add(walcore.SlotProblem(b.files[file].name, r.slot, walcore.KindHole, message).OfEntry(from))
}

// countTerms gives the terms that have entries, upwards.
func (b *orderBuilder) countTerms() []walcore.TermSpan {
	var terms []walcore.TermSpan
	count := func(term, first, last uint64) {
		if first > last {
			return
		}
		n := int(last - first + 1)
		if k := len(terms) - 1; k >= 0 && terms[k].Term == term {
			terms[k].Last = last
			terms[k].Count += n
			return
		}
		terms = append(terms, walcore.TermSpan{Term: term, First: first, Last: last, Count: n})
	}
	for _, s := range b.spans {
		f, found := b.files[s.file], &b.found[s.file]
		if f.summary != nil && found.dropped == nil {
			for _, t := range f.summary.spans {
				count(t.Term, max(t.First, s.index), min(t.Last, s.last()))
			}
			continue
		}
		for i := s.slot; i < s.slot+s.n; i++ {
			if !found.isDropped(i) {
				index := s.index + uint64(i-s.slot)
				count(f.Term(i), index, index)
			}
		}
	}
	return terms
}

// findSlot gives the slot that claims an index, and the place of its file.
func findSlot(spans []span, index uint64) (file, slot int, ok bool) {
	k := sort.Search(len(spans), func(k int) bool { return spans[k].last() >= index })
	if k == len(spans) || index < spans[k].index {
		return 0, 0, false
	}
	return spans[k].file, spans[k].slot + int(index-spans[k].index), true
}
