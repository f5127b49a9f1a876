//go:build linux

package repair

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3/raftpb"
)

// TestDamagedPayload: data that a node could not apply end the log, where it is clear
// what they should be.
func TestDamagedPayload(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	_, want := wanted(t, "alpha")
	f := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	const slot = 600
	f.Write(int64(f.Get(slot, fixture.Offset))+4+8, []byte{0xff, 0xff, 0xff, 0xff})
	p := repaired(t, dir, Options{}, want)
	if p == nil || p.Last != slot || !p.Lost || p.Problems[0].Kind != walcore.KindPayload {
		t.Errorf("%+v", p)
	}
	// Now the log's only configuration change.
	f.Write(int64(f.Get(0, fixture.Offset))+4, []byte{0xff, 0xff})
	refused(t, dir, Options{}, walcore.ErrDamaged)
}

// TestDamagedSnapshotData: a snapshot that Dgraph could not decode is left out where the
// log goes back to before it.
func TestDamagedSnapshotData(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	_, want := wanted(t, "alpha")
	s, err := storage.Open(dir, storage.Options{Logger: slog.New(slog.DiscardHandler)})
	fixture.Must(t, err)
	fixture.Must(t, s.CreateSnapshot(500, &raftpb.ConfState{Voters: []uint64{1}}, []byte{0xff, 0xff, 0xff}))
	fixture.Must(t, s.Close())
	p := repaired(t, dir, Options{}, want)
	if p == nil || p.Snapshot != nil || p.First != 1 || p.Last != 975 || p.State.Commit != 975 || p.Lost {
		t.Errorf("%+v", p)
	}
}
