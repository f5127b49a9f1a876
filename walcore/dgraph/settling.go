package dgraph

import (
	"slices"
	"time"

	"github.com/walfs/walfs/walcore/format"
)

// settlingTime is how long what is half written counts as work in progress: a
// process can be stopped between two stores.
const settlingTime = time.Second

// stillSettling is asked where something is half written, and reports whether that
// may be work in progress. A first look takes everything as it is. When the time is
// over, what is found is how the directory is, until that changes.
func (r *reading) stillSettling() bool {
	if !r.previous.exists {
		return false
	}
	since := r.previous.settlingSince
	if since.IsZero() {
		since = time.Now()
	}
	if time.Since(since) >= settlingTime {
		return false
	}
	r.settlingSince = since
	return true
}

// timedOut reports whether the look before has found the same table half written,
// and has taken it as it is. old is the file as it had it, or nil.
func timedOut(old *LogFile, table *slotTable) bool {
	return old != nil && old.Len() == table.Len() && old.halfWritten() && table.extends(old.slotTable)
}

// cutShort reports whether a file ends before its slots do. old is the file as the
// look before had it, or nil: a writer that makes a file makes it long in a moment,
// and one that removes a file empties it first.
func (r *reading) cutShort(t tableFile, old *LogFile) bool {
	if t.size >= format.SlotTableSize || int64(t.Len()) < t.size/format.SlotSize {
		return false
	}
	inProgress := (old == nil || old.Len() == 0 || t.size == 0) && !slices.Contains(r.previous.unreadable, t.id)
	return !inProgress || !r.stillSettling()
}
