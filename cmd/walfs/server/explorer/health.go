package explorer

import (
	"fmt"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/check"
)

// problem is one with what it means.
type problem struct {
	walcore.Problem
	Title string
	Note  bool   // no damage
	Link  string // to the entry; "": no index of the log
}

// How many problems a page shows, and how many of them at once.
const (
	maxProblems   = 20
	firstProblems = 3
)

// health is what is wrong with a log.
type health struct {
	Problems []problem
	More     int    // how many there are beside them
	Damage   int    // how many are more than a note
	Checked  string // status.Checked
}

// First are the problems to be seen at once, and Rest the others.
func (h *health) First() []problem { return h.Problems[:min(len(h.Problems), firstProblems)] }

// Rest is what First leaves.
func (h *health) Rest() []problem { return h.Problems[len(h.First()):] }

func healthOf(now *replica.Moment) *health {
	s, in := now.Status(), standingOf(now.Log)
	h := &health{Checked: s.Checked}
	for _, p := range s.Problems {
		m := check.MeaningOf(p.Kind)
		if !m.Note {
			h.Damage++
		}
		if len(h.Problems) < maxProblems {
			x := problem{Problem: p, Title: m.Title, Note: m.Note}
			if in.First <= p.Index && p.Index <= in.Last && p.Index > 0 {
				x.Link = link(now.Replica.Name, fmt.Sprintf("entry/%d", p.Index))
			}
			h.Problems = append(h.Problems, x)
		}
	}
	h.More = len(s.Problems) - len(h.Problems)
	return h
}

// faults are the places of problems on a ruler.
func (h *health) faults(a axis) []rect {
	var rects []rect
	for _, p := range h.Problems {
		if p.Link != "" {
			r := a.span(p.Index, p.Index+uint64(max(p.Slots, 1))-1)
			r.Title = p.Title
			rects = append(rects, r)
		}
	}
	return rects
}
