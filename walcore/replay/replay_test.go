package replay_test

import (
	"errors"
	"testing"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/replay"
)

func TestOf(t *testing.T) {
	number := func(n uint64) *uint64 { return &n }
	for _, tt := range []struct {
		name             string
		app              payload.App
		snapshot, commit uint64
		checkpoint       *uint64
		handed, applied  replay.Range
	}{
		{"an Alpha applies its checkpoint again", payload.Alpha, 10, 20, number(15), replay.Range{First: 11, Last: 20}, replay.Range{First: 15, Last: 20}},
		{"a checkpoint in the snapshot", payload.Alpha, 10, 20, number(3), replay.Range{First: 11, Last: 20}, replay.Range{First: 11, Last: 20}},
		{"a checkpoint at the commit index", payload.Alpha, 10, 20, number(20), replay.Range{First: 11, Last: 20}, replay.Range{First: 20, Last: 20}},
		{"a Zero has none", payload.Zero, 10, 20, number(15), replay.Range{First: 11, Last: 20}, replay.Range{First: 11, Last: 20}},
		{"no checkpoint is stored", payload.Alpha, 0, 20, nil, replay.Range{First: 1, Last: 20}, replay.Range{First: 1, Last: 20}},
		{"nothing", payload.Alpha, 20, 20, number(20), replay.Range{First: 21, Last: 20}, replay.Range{First: 21, Last: 20}},
	} {
		m := &walcore.Meta{HardState: &walcore.HardState{Commit: tt.commit}, Snapshot: &walcore.Snapshot{Index: tt.snapshot}, CheckpointIndex: tt.checkpoint}
		r, err := replay.Of(m, tt.app)
		if err != nil || r.Handed != tt.handed || r.Applied != tt.applied {
			t.Errorf("%s: got %+v, %v", tt.name, r, err)
		}
	}
	for _, m := range []*walcore.Meta{{}, {Damaged: true}, {HardState: &walcore.HardState{}}} {
		if _, err := replay.Of(m, payload.Alpha); !errors.Is(err, replay.ErrNotKnown) {
			t.Errorf("%+v: %v", m, err)
		}
	}
}
