package etcd

import (
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// TestSnapshotBeingWritten: etcd writes a snapshot's file under its name, and only then the
// record that names it. Until that is there, half a file is no damage.
func TestSnapshotBeingWritten(t *testing.T) {
	dir := fixture.Dir(t, "etcd-rewritten")
	fixture.WriteFile(t, filepath.Join(dir, "member", "snap", "0000000000000029-0000000000000999.snap"), nil)
	r := open(t, dir)
	if len(r.Problems()) > 0 {
		t.Errorf("problems: %v", r.Problems())
	}
	if m := r.Meta(); m.Damaged || m.Snapshot == nil || len(m.Snapshots) > 0 {
		t.Errorf("snapshots %v, damaged %t", m.Snapshots, m.Damaged)
	}
}
