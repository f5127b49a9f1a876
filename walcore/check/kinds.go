package check

import "github.com/walfs/walfs/walcore"

// Effect is what a problem does to a node that opens the directory, from the least to
// the worst.
type Effect int

const (
	// Unnoticed: it starts, and works as it would without the problem.
	Unnoticed Effect = iota
	// Later: it starts, and stops when it comes to the entry.
	Later
	// Diverges: it starts, and has other entries than the rest of its group.
	Diverges
	// Stuck: it starts, and takes part in no election.
	Stuck
	// Refused: it does not start.
	Refused
)

// String is what a verdict says of it.
func (e Effect) String() string {
	switch e {
	case Later:
		return "a node starts, and stops when it comes to the entry"
	case Diverges:
		return "a node starts, and goes on with other entries than its group has"
	case Stuck:
		return "a node starts, calls itself healthy, and elects nobody"
	case Refused:
		return "a node does not start"
	}
	return "a node starts, and does not notice"
}

// Meaning is what a kind of problem means.
type Meaning struct {
	Kind  walcore.Kind
	Title string
	Note  bool // no damage: the directory is sound with it
	// Entry says that the problem is with what is stored of one entry, so that it
	// depends on the entry whether a node meets it; Payload, that it is with the
	// payload alone, which no node reads if the snapshot stands for the entry.
	Entry, Payload bool

	Effect  Effect // on a node of Dgraph's, if a node meets it
	Dgraph  string // what Dgraph does
	Storage string // what DiskStorage does when it opens the directory
	Repair  string // what walfs repair does
}

// MeaningOf gives the meaning of a kind. One that is not in Kinds, which a newer reader
// may have, is damage of which no more is known.
func MeaningOf(kind walcore.Kind) Meaning {
	for _, m := range Kinds {
		if m.Kind == kind {
			return m
		}
	}
	return Meaning{Kind: kind, Title: string(kind), Effect: Refused}
}
