package membership

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"go.etcd.io/raft/v3/raftpb"
)

// TestDamagedMeta: where the hard state or the snapshot is damaged, nobody knows who
// the members are.
func TestDamagedMeta(t *testing.T) {
	for name, at := range map[string]int64{"hard state": 512, "snapshot": 1040} {
		index, term := uint64(20), uint64(1)
		dir := filepath.Join(t.TempDir(), "w")
		fixture.Must(t, nativelog.Write(dir, nativelog.Meta{Term: 1, Commit: 21, Snapshot: &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{
			Index: &index, Term: &term, ConfState: &raftpb.ConfState{Voters: []uint64{1, 2}}}}},
			func(yield func(nativelog.Entry) bool) { yield(nativelog.Entry{Term: 1, Index: 21}) }))
		fixture.Edit(t, filepath.Join(dir, "wal.meta")).Write(at, []byte{0xff, 0xff, 0xff, 0xff})
		r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
		fixture.Must(t, err)
		defer r.Close()
		if members, err := Replay(r); !errors.Is(err, walcore.ErrDamaged) {
			t.Errorf("%s: %v, %v; want %v", name, members, err, walcore.ErrDamaged)
		}
	}
}
