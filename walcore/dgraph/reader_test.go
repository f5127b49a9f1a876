package dgraph

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// open opens a fixture with its key and closes it with the test.
func open(t testing.TB, dir string, key []byte) *Reader {
	t.Helper()
	r, err := OpenReader(dir, ReaderOptions{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestEveryFixtureAsDgraphReadsIt(t *testing.T) {
	for _, name := range fixture.All() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := fixture.ReadManifest(t, name)
			r := open(t, fixture.Dir(t, name), fixture.Key(name))
			if p := r.Problems(); len(p) > 0 {
				t.Errorf("problems in a sound directory: %v", p)
			}
			i := 0
			for e := range r.Entries(0) {
				if i == len(want.Entries) {
					t.Fatalf("entry %d is more than the manifest has", e.Index)
				}
				w := want.Entries[i]
				i++
				data, err := e.Data()
				if err != nil {
					t.Fatal(err)
				}
				sum := sha256.Sum256(data)
				if e.Term != w.Term || e.Index != w.Index || int32(e.Type) != w.Type || e.Size != w.Size ||
					hex.EncodeToString(sum[:]) != w.SHA256 {
					t.Fatalf("got %+v, want %+v", e, w)
				}
			}
			if i != len(want.Entries) {
				t.Fatalf("%d entries, want %d", i, len(want.Entries))
			}
			checkMeta(t, r, want.Meta)
		})
	}
}

func checkMeta(t *testing.T, r *Reader, want fixture.Meta) {
	t.Helper()
	first, ok1 := r.FirstIndex()
	last, ok2 := r.LastIndex()
	m := r.meta
	got := []uint64{*m.RaftID, *m.GroupID, *m.CheckpointIndex, first, last, *m.SnapshotIndex, *m.SnapshotTerm,
		m.HardState.GetTerm(), m.HardState.GetVote(), m.HardState.GetCommit()}
	wants := []uint64{want.RaftID, want.GroupID, want.CheckpointIndex, want.FirstIndex, want.LastIndex,
		want.SnapshotIndex, want.SnapshotTerm, want.HardState.Term, want.HardState.Vote, want.HardState.Commit}
	for i := range got {
		if got[i] != wants[i] || !ok1 || !ok2 {
			t.Fatalf("metadata %v, want %v", got, wants)
		}
	}
	if (m.Snapshot != nil) != (want.Snapshot.Size > 0) {
		t.Fatalf("snapshot %v, want one of %d bytes", m.Snapshot, want.Snapshot.Size)
	}
	if m.Snapshot == nil {
		return
	}
	blob := make([]byte, m.Snapshot.DataSize)
	if _, err := r.metaFile.ReadAt(blob, m.Snapshot.DataAt); err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(blob); hex.EncodeToString(sum[:]) != want.Snapshot.SHA256 {
		t.Fatal("the snapshot's blob differs")
	}
}
