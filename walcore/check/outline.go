package check

import (
	"math"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/confstate"
	"go.etcd.io/raft/v3/raftpb"
)

// outline is what a log's entries tell without their payloads.
type outline struct {
	entries, bytes uint64
	changes        []uint64 // the indexes of configuration changes
	gap            uint64   // the first index behind the snapshot's at which an entry is missing

	next uint64 // where an entry is expected; 0: anywhere
}

// newOutline begins with the first index behind the snapshot.
func newOutline(log walcore.Log) *outline {
	o := &outline{gap: math.MaxUint64}
	if s := log.Meta().Snapshot; s != nil {
		o.next = s.Index + 1
	}
	return o
}

// outlineOf is that of all entries.
func outlineOf(log walcore.Log) *outline {
	o := newOutline(log)
	for e := range log.Entries(0) {
		o.add(&e)
	}
	return o
}

// add takes the next entry.
func (o *outline) add(e *walcore.Entry) {
	o.entries++
	o.bytes += uint64(e.Size)
	if e.Index >= o.next {
		if e.Index > o.next && o.gap == math.MaxUint64 {
			o.gap = o.next
		}
		o.next = e.Index + 1
	}
	if confstate.IsChange(raftpb.EntryType(e.Type)) {
		o.changes = append(o.changes, e.Index)
	}
}
