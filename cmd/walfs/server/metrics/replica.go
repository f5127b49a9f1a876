package metrics

import (
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/status"
	"github.com/walfs/walfs/walcore/tally"
)

// Source gives the directories that are served, as of now. Its method may be called from many
// goroutines, and should not read what is cached anywhere.
type Source interface {
	Replicas() []Replica
}

// Replica is what is known of a directory.
type Replica struct {
	Name string // tells it from the others
	Up   bool   // the directory and its files could be read when they were looked at last

	// What the last look that did not fail has found. Nil and the zero time: not known.
	Status    *status.Status
	Tally     *tally.Tally
	LastEntry time.Time // see LastEntry

	// What was seen since somebody looks at the directory: how often entries that were there
	// were replaced or dropped, and by how much the term has risen.
	Rewrites, Elections uint64
}

// LastEntry is when the last entry was appended, where its system stores that; or else when its
// log file was last written. It is the zero time where there is no entry.
func LastEntry(log walcore.Log) time.Time {
	terms := log.Terms()
	if len(terms) == 0 {
		return time.Time{}
	}
	e, err := log.Entry(terms[len(terms)-1].Last)
	if err != nil {
		return time.Time{}
	}
	if at, stored := e.Time(); stored {
		return at
	}
	return e.File.Attr.Mtime
}
