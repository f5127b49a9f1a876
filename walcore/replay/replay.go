// Package replay says which entries a node goes through again when it starts.
//
//	r, err := replay.Of(log.Meta(), payload.AppOf(log))
//
// Raft hands the application all entries behind the snapshot, up to the commit index. A
// Dgraph Alpha does nothing with those below its checkpoint, but for configuration
// changes; the one at the checkpoint itself it applies once more. A Zero keeps no
// checkpoint.
package replay

import (
	"errors"
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// Range is indexes, both ends included. It is empty where First is above Last.
type Range struct {
	First uint64 `json:"first_index"`
	Last  uint64 `json:"last_index"`
}

// Empty reports whether there is no index in r.
func (r Range) Empty() bool { return r.First > r.Last }

// Has reports whether an index is in r.
func (r Range) Has(index uint64) bool { return r.First <= index && index <= r.Last }

// Replay is what a start goes through: Handed is what Raft hands over, Applied the part
// of it that the application applies. The entries below Applied it skips.
type Replay struct{ Handed, Applied Range }

// ErrNotKnown: the directory does not tell what a start replays.
var ErrNotKnown = errors.New("what a restart replays is not known")

// Of gives what a start on a directory with m replays. It fails with ErrNotKnown where the
// commit index or the snapshot is not known.
func Of(m *walcore.Meta, app payload.App) (Replay, error) {
	switch {
	case m.HardState == nil && m.Damaged:
		return Replay{}, fmt.Errorf("%w: the hard state is damaged", ErrNotKnown)
	case m.HardState == nil:
		return Replay{}, fmt.Errorf("%w: the log does not store its commit index", ErrNotKnown)
	case m.Snapshot == nil:
		return Replay{}, fmt.Errorf("%w: the snapshot is damaged", ErrNotKnown)
	}
	r := Replay{Handed: Range{m.Snapshot.Index + 1, m.HardState.Commit}}
	r.Applied = r.Handed
	if app == payload.Alpha && m.CheckpointIndex != nil {
		r.Applied.First = max(r.Applied.First, *m.CheckpointIndex)
	}
	return r, nil
}
