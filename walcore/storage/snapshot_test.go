package storage

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Snapshots whose end is right at, before and behind the end of a new wal.meta.
func TestSnapshotAtTheEdge(t *testing.T) {
	fixture.NotForRace(t)
	dir := filepath.Join(memDir(t), "w")
	s := create(t, dir, Options{})
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 20), nil))
	for i := range uint64(16) {
		data := make([]byte, 1047533-22+i)
		data[len(data)-1] = byte(i)
		fixture.Must(t, s.CreateSnapshot(1+i, oneVoter, data))
		fixture.Must(t, s.Close())
		if got := parseDir(t, dir, nil).snapData; got != string(data) {
			t.Fatalf("%d bytes: on disk are %d others", len(data), len(got))
		}
		s = reopen(t, dir, Options{})
		snap, err := s.Snapshot()
		if err != nil || !bytes.Equal(snap.Data, data) {
			t.Fatalf("%d bytes: %v", len(data), err)
		}
	}
	if size := parseDir(t, dir, nil).sizes[format.MetaName]; size != 2<<20 {
		t.Errorf("wal.meta has %d bytes", size)
	}
}

// What a snapshot from another node replaces is gone, now and when the directory is
// opened again.
func TestInstallDropsTheLog(t *testing.T) {
	for _, index := range []uint64{5, 10, 15, 20, 27, 28, 40} {
		dir := filepath.Join(memDir(t), "w")
		s := create(t, dir, Options{limits: smallFiles, Logger: quiet})
		fixture.Must(t, s.Save(hard(1, 1, 3), someEntries(1, 1, 27), nil))
		snap := &raftpb.Snapshot{Data: []byte("s"), Metadata: &raftpb.SnapshotMetadata{Index: &index, Term: proto.Uint64(7), ConfState: oneVoter}}
		fixture.Must(t, s.Save(nil, nil, snap))
		for range 2 {
			first, _ := s.FirstIndex()
			last, _ := s.LastIndex()
			term, err := s.Term(index)
			if first != index+1 || last != index || term != 7 || err != nil {
				t.Fatalf("snapshot at %d: %d to %d, term %d, %v", index, first, last, term, err)
			}
			if hs, _, _ := s.InitialState(); hs.GetCommit() != max(index, 3) {
				t.Fatalf("commit %d", hs.GetCommit())
			}
			fixture.Must(t, s.Close())
			s = reopen(t, dir, Options{Logger: quiet})
		}
		fixture.Must(t, s.Save(nil, someEntries(7, index+1, 3), nil))
		wantLog(t, s, someEntries(7, index+1, 3)...)
	}
}
