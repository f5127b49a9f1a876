//go:build linux

package etcd

import (
	"crypto/sha256"
	"errors"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/atwork"
	"github.com/walfs/walfs/test/fixture"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/snap"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
)

// truth is what etcd's own code reads from a directory.
type truth struct {
	state    *raftpb.HardState
	snapshot *raftpb.Snapshot
	ids      *etcdserverpb.Metadata
	log      []atwork.Entry // from index 1 on, with the segments that were purged
	restart  []atwork.Entry // what etcd goes on with when it starts: those behind the snapshot
}

func (l truth) from(index uint64) []atwork.Entry {
	for k, e := range l.log {
		if e.Index >= index {
			return l.log[k:]
		}
	}
	return nil
}

// readTruth reads what etcd's own code reads from a node that began with the log.
func readTruth(t *testing.T, home string) truth {
	t.Helper()
	l := readStart(t, home)
	whole := t.TempDir()
	copyAll(t, filepath.Join(keptOf(home), "*.wal"), whole)
	copyAll(t, filepath.Join(walOf(home), "*.wal"), whole)
	_, _, l.log = readAll(t, whole, nil)
	for k, e := range l.log {
		if e.Index != uint64(k)+1 {
			t.Fatalf("etcd's own code reads entry %d as the %dth", e.Index, k+1)
		}
	}
	return l
}

// readStart reads what etcd starts from, of copies: its code writes where it reads.
func readStart(t *testing.T, home string) (l truth) {
	t.Helper()
	node := t.TempDir()
	copyAll(t, filepath.Join(walOf(home), "*.wal"), node)
	copyAll(t, filepath.Join(snapOf(home), "*.snap"), filepath.Join(node, "snap"))
	named, err := wal.ValidSnapshotEntries(zap.NewNop(), node)
	fixture.Must(t, err)
	l.snapshot, err = snap.New(zap.NewNop(), filepath.Join(node, "snap")).LoadNewestAvailable(named)
	if errors.Is(err, snap.ErrNoSnapshot) {
		l.snapshot, err = &raftpb.Snapshot{}, nil
	}
	fixture.Must(t, err)
	// This is what etcd-dump-logs does, too.
	l.state, l.ids, l.restart = readAll(t, node, l.snapshot.GetMetadata())
	return l
}

func readAll(t *testing.T, dir string, from *raftpb.SnapshotMetadata) (*raftpb.HardState, *etcdserverpb.Metadata, []atwork.Entry) {
	t.Helper()
	start := &walpb.Snapshot{Index: proto.Uint64(from.GetIndex()), Term: proto.Uint64(from.GetTerm())}
	w, err := wal.OpenForRead(zap.NewNop(), dir, start)
	fixture.Must(t, err)
	defer w.Close()
	metadata, state, list, err := w.ReadAll()
	fixture.Must(t, err)
	ids := &etcdserverpb.Metadata{}
	fixture.Must(t, proto.Unmarshal(metadata, ids))
	entries := make([]atwork.Entry, len(list))
	for k, e := range list {
		entries[k] = atwork.Entry{Index: e.GetIndex(), Term: e.GetTerm(), Type: e.GetType().String(), Sum: sha256.Sum256(e.GetData())}
	}
	return state, ids, entries
}

func copyAll(t *testing.T, pattern, folder string) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	fixture.Must(t, err)
	for _, path := range paths {
		fixture.Must(t, copyFile(path, folder))
	}
}
