//go:build linux

package mutate

import (
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
)

// ownPayloads recognizes the payloads that a base's log has: none of them was replaced.
type ownPayloads struct {
	heads, all map[string]bool
}

func newOwnPayloads(log map[uint64]truth) ownPayloads {
	o := ownPayloads{map[string]bool{}, map[string]bool{}}
	for _, t := range log {
		if len(t.data) > 0 {
			o.heads[string(t.data[:min(len(t.data), walcore.RecognizedHead)])] = true
			o.all[string(t.data)] = true
		}
	}
	return o
}

func (o ownPayloads) CanBegin(head []byte, _ int64) bool { return o.heads[string(head)] }

func (o ownPayloads) TypeOf(data []byte) (walcore.EntryType, bool) {
	return walcore.EntryNormal, o.all[string(data)]
}

// readReplaced looks for what is taken for replaced, and is the log's.
func (x *expectation) readReplaced(r *dgraph.Reader, o *outcome) {
	for e := range r.Replaced(0) {
		if was, ok := x.base.truth[e.Index]; ok && was.term == e.Term {
			o.fail(failReplaced, "entry %d of term %d, %s slot %d", e.Index, e.Term, e.File.Name, e.Slot)
		}
	}
	remains, err := r.Remains(newOwnPayloads(x.base.truth))
	if err != nil {
		o.reported = true
		return
	}
	for _, f := range remains.Found {
		o.fail(failReplaced, "a payload of %d bytes, %s at %d", f.Size, f.File.Name, f.Offset)
	}
}
