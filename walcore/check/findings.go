package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/walfs/walfs/walcore"
)

// maxFindings bounds what is listed of one sort: nobody reads more.
const maxFindings = 1000

// findings are problems with entries. Entries in neighbouring slots with the same one
// are one problem.
type findings struct {
	list []walcore.Problem
	more int // not listed
}

// add adds a problem with an entry, or counts it with that of the slot before.
func (f *findings) add(e *walcore.Entry, kind walcore.Kind, message string) {
	f.join(walcore.SlotProblem(e.File.Name, e.Slot, kind, message).At(e.Offset).OfEntry(e.Index))
}

func (f *findings) join(p walcore.Problem) {
	if k := len(f.list) - 1; k >= 0 {
		before := &f.list[k]
		n := max(before.Slots, 1)
		if before.Kind == p.Kind && before.File == p.File && before.Slot+n == p.Slot && before.Index+uint64(n) == p.Index {
			before.Slots = n + max(p.Slots, 1)
			return
		}
	}
	if len(f.list) == maxFindings {
		f.more += max(p.Slots, 1)
		return
	}
	f.list = append(f.list, p)
}

// merge takes what others have found, by index.
func (f *findings) merge(others []*findings) {
	all := f.list
	for _, o := range others {
		all = append(all, o.list...)
		f.more += o.more
	}
	slices.SortStableFunc(all, func(a, b walcore.Problem) int { return cmp.Compare(a.Index, b.Index) })
	f.list = nil
	for _, p := range all {
		f.join(p)
	}
}

// forget drops what was found of entries that are looked at again.
func (f *findings) forget(again func(index uint64) bool) {
	old := f.list
	f.list = nil
	for _, p := range old {
		one := p
		one.Slots = 0
		for i := range max(p.Slots, 1) {
			one.Slot, one.Index = p.Slot+i, p.Index+uint64(i)
			if !again(one.Index) {
				f.join(one)
			}
		}
	}
}

// problems gives them in a form to show.
func (f *findings) problems() []walcore.Problem {
	list := slices.Clone(f.list)
	for i := range list {
		if p := &list[i]; p.Slots > 1 {
			p.Message += fmt.Sprintf("; the same holds for the slots after it, up to %d", p.Slot+p.Slots-1)
		}
	}
	if f.more > 0 {
		last := list[len(list)-1]
		list = append(list, walcore.FileProblem(last.File, last.Kind, fmt.Sprintf("and %d more entries behind it", f.more)))
	}
	return list
}
