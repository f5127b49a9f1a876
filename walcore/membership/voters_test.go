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
	"google.golang.org/protobuf/proto"
)

func hasVoters(t testing.TB, dir string) (bool, error) {
	t.Helper()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{})
	fixture.Must(t, err)
	defer r.Close()
	return HasVoters(r)
}

func TestHasVoters(t *testing.T) {
	snapshot := func(cs *raftpb.ConfState) *raftpb.Snapshot {
		return &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: proto.Uint64(3), Term: proto.Uint64(1), ConfState: cs}}
	}
	for _, test := range []struct {
		name    string
		meta    nativelog.Meta
		changes []string
		want    bool
	}{
		{"a new log", nativelog.Meta{}, nil, false},
		{"no changes", nativelog.Meta{Commit: 2}, []string{"", ""}, false},
		{"a change that is committed", nativelog.Meta{Commit: 2}, []string{"", "v1"}, true},
		{"one that is not", nativelog.Meta{Commit: 1}, []string{"", "v1"}, false},
		{"one that the snapshot contains", nativelog.Meta{Commit: 4, Snapshot: snapshot(nil)}, []string{"v1", "", "", ""}, false},
		{"one behind the snapshot", nativelog.Meta{Commit: 4, Snapshot: snapshot(nil)}, []string{"", "", "", "v1"}, true},
		{"the snapshot's voters", nativelog.Meta{Commit: 3, Snapshot: snapshot(&raftpb.ConfState{Voters: []uint64{1}})}, nil, true},
		{"voters that leave", nativelog.Meta{Commit: 3, Snapshot: snapshot(&raftpb.ConfState{VotersOutgoing: []uint64{1}})}, nil, true},
		{"learners alone", nativelog.Meta{Commit: 3, Snapshot: snapshot(&raftpb.ConfState{Learners: []uint64{1}})}, nil, false},
	} {
		got, err := hasVoters(t, write(t, test.meta, changes(t, test.changes...)))
		if got != test.want || err != nil {
			t.Errorf("%s: %v (%v), want %v", test.name, got, err, test.want)
		}
	}
}

// TestHasVotersNotKnown: what cannot be read may be a configuration change, unless
// another one is there anyway.
func TestHasVotersNotKnown(t *testing.T) {
	for _, test := range []struct {
		name    string
		changes []string
		commit  uint64
		damaged int // slot
		want    bool
		err     error
	}{
		{"first entry", []string{"", "", ""}, 3, 0, false, walcore.ErrDamaged},
		{"middle entry", []string{"", "", ""}, 3, 1, false, walcore.ErrDamaged},
		{"last entry", []string{"", "", ""}, 3, 2, false, walcore.ErrDamaged},
		{"behind the commit index", []string{"", "", ""}, 2, 2, false, nil},
		{"behind a change", []string{"", "v1", ""}, 3, 2, true, nil},
		{"commit beyond the log", []string{"", ""}, 9, -1, false, walcore.ErrDamaged},
	} {
		dir := write(t, nativelog.Meta{Commit: test.commit}, changes(t, test.changes...))
		if test.damaged >= 0 {
			fixture.Edit(t, filepath.Join(dir, "00001.wal")).Set(test.damaged, fixture.Offset, 4)
		}
		if got, err := hasVoters(t, dir); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %v (%v), want %v (%v)", test.name, got, err, test.want, test.err)
		}
	}
}

// TestVotersAgree: where Replay knows the members, HasVoters says whether one votes.
func TestVotersAgree(t *testing.T) {
	for _, name := range fixture.All() {
		if fixture.Key(name) != nil && !fixture.Full() {
			continue
		}
		r, err := dgraph.OpenReader(fixture.Dir(t, name), dgraph.ReaderOptions{Key: fixture.Key(name)})
		fixture.Must(t, err)
		defer r.Close()
		members, err := Replay(r)
		if err != nil {
			continue
		}
		votes := false
		for _, m := range members {
			votes = votes || m.Role == Voter || m.Role == Outgoing
		}
		if got, err := HasVoters(r); got != votes || err != nil {
			t.Errorf("%s: %v (%v); members %s", name, got, err, text(members))
		}
	}
}
