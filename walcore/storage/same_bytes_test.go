package storage

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// entriesOf reads a fixture's entries for Save.
func entriesOf(t testing.TB, r *dgraph.Reader) []*raftpb.Entry {
	t.Helper()
	var list []*raftpb.Entry
	for e := range r.Entries(0) {
		data, err := e.Data()
		fixture.Must(t, err)
		list = append(list, &raftpb.Entry{Term: proto.Uint64(e.Term), Index: proto.Uint64(e.Index), Type: raftpb.EntryType(e.Type).Enum(), Data: data})
	}
	return list
}

// sameBytes compares two files up to an offset, or wholly.
func sameBytes(t testing.TB, got, want string, upTo int64) {
	t.Helper()
	a, err := os.Open(got)
	fixture.Must(t, err)
	defer a.Close()
	b, err := os.Open(want)
	fixture.Must(t, err)
	defer b.Close()
	sa, err := a.Stat()
	fixture.Must(t, err)
	sb, err := b.Stat()
	fixture.Must(t, err)
	if sa.Size() != sb.Size() {
		t.Errorf("%s has %d bytes, Dgraph's has %d", filepath.Base(got), sa.Size(), sb.Size())
	}
	if upTo == 0 {
		upTo = sb.Size()
	}
	x, y := make([]byte, 1<<20), make([]byte, 1<<20)
	for at := int64(0); at < upTo; at += int64(len(x)) {
		n := min(int64(len(x)), upTo-at)
		if _, err := a.ReadAt(x[:n], at); err != nil {
			t.Fatal(err)
		}
		if _, err := b.ReadAt(y[:n], at); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(x[:n], y[:n]) {
			for i := range n {
				if x[i] != y[i] {
					t.Fatalf("%s: byte %d is %#x, Dgraph's is %#x", filepath.Base(got), at+i, x[i], y[i])
				}
			}
		}
	}
}

// The entries, ids and states that a Dgraph was given, given to a DiskStorage,
// make the same files.
func TestSameBytesAsDgraph(t *testing.T) {
	fixture.NotForRace(t)
	for _, name := range []string{"alpha", "zero", "empty", "snaponly", "bigsnap"} {
		for _, size := range []int{1, 7, 5000} {
			dir := fixture.Dir(t, name)
			r := openReader(t, dir, nil)
			got := filepath.Join(t.TempDir(), "w")
			s := create(t, got, Options{Sync: SyncMode(size % 2)}) // the mode does not show
			m := r.Meta()
			fixture.Must(t, s.SetRaftID(*m.RaftID))
			fixture.Must(t, s.SetGroupID(*m.GroupID))
			fixture.Must(t, s.SetCheckpoint(*m.CheckpointIndex))
			entries := entriesOf(t, r)
			for from := 0; from < len(entries); from += size {
				fixture.Must(t, s.Save(nil, entries[from:min(from+size, len(entries))], nil))
			}
			saveMeta(t, s, r, len(entries) > 0)
			fixture.Must(t, s.Close())
			sameBytes(t, filepath.Join(got, format.MetaName), filepath.Join(dir, format.MetaName), 0)
			upTo := int64(format.PayloadAt)
			if e, ok := r.Last(); ok {
				upTo = int64(e.Offset) + format.LengthSize + e.Size
			}
			sameBytes(t, filepath.Join(got, format.FileName(1)), filepath.Join(dir, format.FileName(1)), upTo)
			if n := len(parseDir(t, got, nil).entries); n != len(entries) {
				t.Fatalf("%d entries on disk, want %d", n, len(entries))
			}
		}
	}
}

// saveMeta saves the hard state and snapshot that r has.
func saveMeta(t testing.TB, s *DiskStorage, r *dgraph.Reader, local bool) {
	t.Helper()
	m := r.Meta()
	if snap := m.Snapshot; snap.Index > 0 {
		data := make([]byte, snap.Data.Size)
		_, err := snap.Data.ReadAt(data, 0)
		fixture.Must(t, err)
		cs := &raftpb.ConfState{Voters: snap.ConfState.Voters, Learners: snap.ConfState.Learners, VotersOutgoing: snap.ConfState.VotersOutgoing,
			LearnersNext: snap.ConfState.LearnersNext, AutoLeave: &snap.ConfState.AutoLeave}
		if local {
			fixture.Must(t, s.CreateSnapshot(snap.Index, cs, data))
		} else {
			fixture.Must(t, s.Save(nil, nil, &raftpb.Snapshot{Data: data, Metadata: &raftpb.SnapshotMetadata{ConfState: cs, Index: &snap.Index, Term: &snap.Term}}))
		}
	}
	hs := m.HardState
	fixture.Must(t, s.Save(&raftpb.HardState{Term: &hs.Term, Vote: &hs.Vote, Commit: &hs.Commit}, nil, nil))
}

// Rewritten, rotated, compacted and emptied logs come out as Dgraph's do.
func TestSameBytesAfterRewrites(t *testing.T) {
	if !fixture.Has("compacted") {
		t.Skip("the fixture compacted is not to be had here")
	}
	dir := fixture.Dir(t, "compacted")
	r := openReader(t, dir, nil)
	entries := entriesOf(t, r)
	got := filepath.Join(t.TempDir(), "w")
	s := create(t, got, Options{})
	// What was in the file that is gone does not show in those that are left.
	var before []*raftpb.Entry
	for i := uint64(1); i < entries[0].GetIndex(); i++ {
		before = append(before, &raftpb.Entry{Term: proto.Uint64(1), Index: proto.Uint64(i)})
	}
	fixture.Must(t, s.SetRaftID(*r.Meta().RaftID))
	fixture.Must(t, s.SetGroupID(*r.Meta().GroupID))
	fixture.Must(t, s.SetCheckpoint(*r.Meta().CheckpointIndex))
	fixture.Must(t, s.Save(nil, before, nil))
	fixture.Must(t, s.Save(nil, entries, nil))
	saveMeta(t, s, r, true)
	fixture.Must(t, s.Close())
	for _, n := range r.Native() {
		upTo := n.Attr.Size
		if n.Name == format.FileName(3) {
			e, _ := r.Last()
			upTo = int64(e.Offset) + format.LengthSize + e.Size
		}
		sameBytes(t, filepath.Join(got, n.Name), filepath.Join(dir, n.Name), upTo)
	}
}

func TestReopenReadsWhatWasSaved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	s := create(t, dir, Options{})
	var want []*raftpb.Entry
	for i := uint64(1); i <= 100; i++ {
		want = append(want, &raftpb.Entry{Term: proto.Uint64(1 + i/50), Index: proto.Uint64(i), Data: bytes.Repeat([]byte{byte(i)}, int(i))})
	}
	fixture.Must(t, s.Save(&raftpb.HardState{Term: proto.Uint64(3), Vote: proto.Uint64(2), Commit: proto.Uint64(99)}, want, nil))
	for range 2 {
		got, err := s.Entries(1, 101, 1<<40)
		fixture.Must(t, err)
		if len(got) != len(want) {
			t.Fatalf("%d entries, want %d", len(got), len(want))
		}
		for i := range got {
			if !proto.Equal(got[i], want[i]) {
				t.Fatalf("got %v, want %v", got[i], want[i])
			}
		}
		hs, _, err := s.InitialState()
		fixture.Must(t, err)
		if hs.GetTerm() != 3 || hs.GetVote() != 2 || hs.GetCommit() != 99 {
			t.Fatal(hs)
		}
		fixture.Must(t, s.Close())
		s = reopen(t, dir, Options{})
	}
}
