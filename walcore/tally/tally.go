package tally

import (
	"slices"

	"github.com/walfs/walfs/walcore/stats"
)

// Tally is what the entries of a log add up to, from the first one to Through.
type Tally struct {
	Through uint64 // the index of the last entry that is counted; 0: none is
	Done    bool   // no entry is left to be counted

	// Counted is how many entries are counted, with the bytes of their payloads, and Entries
	// how many the log has, those that are damaged included.
	Counted stats.Sum
	Entries int64

	// Unreadable are entries, counted too, of which it is not known what they say.
	Unreadable int64

	// Files are the log files that have an entry, in the log's order.
	Files []File

	// Txns are the transactions that the log shows. Only an Alpha's has any.
	Txns *Txns
	// Pending is nil where it is not known: the log is no Alpha's, it is not counted up to
	// its commit index, a key is missing, or the snapshot cannot be read.
	Pending *Pending

	tables *sums
}

// File is what the entries of a log file add up to.
type File struct {
	Name string
	stats.Sum
	Kinds []Kind // by bytes, most first
}

// Kind is the entries of a kind: payload.Facts.Kind, or stats.UnreadableName.
type Kind struct {
	Name string
	stats.Sum
}

// Pending is how many transactions are not decided: begun by an entry behind the snapshot and
// up to the commit index, and neither committed nor aborted by one up to there.
type Pending struct {
	Snapshot uint64 // its index; 0: there is none
	Commit   uint64 // the commit index, or the last one where that is not known
	Count    int
	// Unknown is how many more there are at most: those that were not decided when they were
	// left off.
	Unknown int
}

// bys are what the entries are added up by.
var bys = [...]stats.By{stats.Kind, stats.Predicate, stats.Member, stats.Namespace, stats.Size}

// Table is what the entries add up to by kind, predicate, member, namespace or size; nil by
// others. It must not be changed. None is dead in it: which are follows from their indexes.
func (t *Tally) Table(by stats.By) *stats.Table {
	i := slices.Index(bys[:], by)
	if i < 0 {
		return nil
	}
	return t.tables.by[i]
}
