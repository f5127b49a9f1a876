package explorer

import (
	"fmt"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/status"
)

// standing is what a log says of how far its node has come. A nil index is not known.
type standing struct {
	First, Last               uint64 // of the entries; 0: there are none
	Snapshot, Applied, Commit *uint64
}

func standingOf(log walcore.Log) standing {
	var s standing
	if terms := log.Terms(); len(terms) > 0 {
		s.First, s.Last = terms[0].First, terms[len(terms)-1].Last
	}
	m := log.Meta()
	if m.Snapshot != nil {
		s.Snapshot = &m.Snapshot.Index
	}
	if m.HardState != nil {
		s.Commit = &m.HardState.Commit
	}
	s.Applied = m.CheckpointIndex
	return s
}

// end is the last index that the log or its snapshot has.
func (s *standing) end() uint64 {
	if s.Snapshot != nil {
		return max(s.Last, *s.Snapshot)
	}
	return s.Last
}

// axis is that of the log alone.
func (s *standing) axis() axis {
	if s.Last == 0 {
		return axis{s.end(), s.end()}
	}
	return axis{s.First, s.Last}
}

// zone is a part of the log of which the same can be said.
type zone struct {
	First, Last uint64
	Name        string
	Class       string
}

// Entries is how many indexes it has.
func (z zone) Entries() uint64 { return z.Last + 1 - z.First }

// zones are the parts that have an entry, from left to right.
func (s *standing) zones() []zone {
	var zones []zone
	from := s.First
	add := func(to uint64, name, class string) {
		if to = min(to, s.Last); s.Last > 0 && from <= to {
			zones = append(zones, zone{from, to, name, class})
			from = to + 1
		}
	}
	if s.Snapshot != nil {
		add(*s.Snapshot, "in the snapshot", "z-snapshot")
	}
	if s.Applied != nil {
		add(*s.Applied, "applied", "z-applied")
	}
	switch {
	case s.Commit == nil:
		add(s.Last, "not known whether committed", "z-unknown")
	case s.Applied == nil:
		add(*s.Commit, "committed", "z-applied")
	default:
		add(*s.Commit, "committed, not applied", "z-committed")
	}
	add(s.Last, "not committed", "z-open")
	return zones
}

// bar is the zone as a rectangle.
func (z zone) bar(a axis) rect {
	bar := a.span(z.First, z.Last)
	bar.Class = z.Class
	bar.Title = fmt.Sprintf("%s to %s: %s", status.Grouped(z.First), status.Grouped(z.Last), z.Name)
	return bar
}

// maxGaps is how many gaps are drawn.
const maxGaps = 20

// gaps are the indexes between terms that have no entry, as a log has where a leader has sent
// a snapshot in their place.
func gaps(terms []walcore.TermSpan) []zone {
	var zones []zone
	for i := 1; i < len(terms) && len(zones) < maxGaps; i++ {
		if before, after := terms[i-1].Last, terms[i].First; before+1 < after {
			zones = append(zones, zone{before + 1, after - 1, "no entries", "z-gap"})
		}
	}
	return zones
}

// ruler is the drawing of how far a node has come.
type ruler struct {
	Axis   axis
	Zones  []zone
	Bars   []rect // of the zones
	Marks  []mark
	Bar    int // where the bar begins, from above
	Height int
	Words  string // says the same
}

const barHeight = 20

func (s *standing) ruler(terms []walcore.TermSpan) *ruler {
	r := &ruler{Axis: s.axis(), Zones: s.zones()}
	r.Zones = append(r.Zones, gaps(terms)...)
	words := []string{fmt.Sprintf("Entries %s to %s.", status.Grouped(s.First), status.Grouped(s.Last))}
	if s.Last == 0 {
		words[0] = "No entries."
	}
	for _, z := range r.Zones {
		bar := z.bar(r.Axis)
		r.Bars = append(r.Bars, bar)
		words = append(words, bar.Title+".")
	}
	var marks []mark
	for _, m := range []struct {
		name  string
		index *uint64
	}{{"snapshot", s.Snapshot}, {"applied", s.Applied}, {"commit", s.Commit}, {"last", &s.Last}} {
		if m.index != nil && *m.index > 0 {
			marks = append(marks, mark{Index: *m.index, Text: m.name})
			words = append(words, fmt.Sprintf("%s %s.", m.name, status.Grouped(*m.index)))
		}
	}
	rows := 0
	r.Marks, rows = r.Axis.marks(marks)
	r.Bar = rows*rowHeight + 2
	r.Height = r.Bar + barHeight
	r.Words = strings.Join(words, " ")
	return r
}
