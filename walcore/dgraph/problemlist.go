package dgraph

import (
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// maxProblems bounds what one file can report: a file of garbage has 30,000
// bad slots, and nobody reads them.
const maxProblems = 1000

// problemList gathers one file's problems and joins those of neighbouring
// slots.
type problemList struct {
	list []walcore.Problem
	more int // not listed
}

func (l *problemList) add(p walcore.Problem) {
	if len(l.list) >= maxProblems {
		l.more++
		return
	}
	l.list = append(l.list, p)
}

// addAlways adds a problem that has to be listed, however many there are.
func (l *problemList) addAlways(p walcore.Problem) { l.list = append(l.list, p) }

// slot adds a problem with a slot, or counts it with the slot before if that has the
// same one.
func (l *problemList) slot(file string, slot int, s format.Slot, kind walcore.Kind, message string) {
	if k := len(l.list) - 1; k >= 0 {
		p := &l.list[k]
		if p.Kind == kind && p.File == file && p.Slot >= 0 && p.Slot+max(p.Slots, 1) == slot {
			p.Slots = max(p.Slots, 1) + 1
			return
		}
	}
	l.add(walcore.SlotProblem(file, slot, kind, message).At(s.Offset).OfEntry(s.Index))
}

// all gives the problems in a form to show.
func (l *problemList) all() []walcore.Problem {
	out := make([]walcore.Problem, len(l.list))
	for i, p := range l.list {
		if p.Slots > 1 {
			p.Message += fmt.Sprintf("; the same holds for the slots after it, up to %d", p.Slot+p.Slots-1)
		}
		out[i] = p
	}
	if l.more > 0 {
		last := out[len(out)-1]
		out = append(out, walcore.FileProblem(last.File, last.Kind, fmt.Sprintf("and %d more problems in this file", l.more)))
	}
	return out
}
