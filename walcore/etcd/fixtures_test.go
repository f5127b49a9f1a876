package etcd

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

func open(t testing.TB, dir string) *Reader {
	t.Helper()
	r, err := Open(dir)
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// wantEntry compares an entry with the manifest, payload and all.
func wantEntry(t *testing.T, e walcore.Entry, want fixture.OtherEntry) {
	t.Helper()
	name, _ := system.TypeName(e.Type)
	data, err := e.Data()
	fixture.Must(t, err)
	got := fixture.OtherEntry{Index: e.Index, Term: e.Term, Size: e.Size, Type: name.Symbol, SHA256: sum(data)}
	if got != want {
		t.Fatalf("entry %+v, want %+v", got, want)
	}
}

// TestFixtures: every entry of every directory, and all that is said beside them, is what
// etcd's own code reads.
func TestFixtures(t *testing.T) {
	for _, name := range fixture.Etcd() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.Dir(t, name)
			m := fixture.ReadOther(t, name)
			r := open(t, dir)
			if len(r.Problems()) > 0 {
				t.Errorf("problems: %v", r.Problems())
			}
			k := 0
			var scanner walcore.Scanner
			for e := range r.Entries(0) {
				if k == len(m.List) {
					t.Fatalf("more than %d entries", k)
				}
				wantEntry(t, e, m.List[k])
				data, err := scanner.Data(&e)
				if err != nil || sum(data) != m.List[k].SHA256 {
					t.Fatalf("entry %d read ahead: other bytes, %v", e.Index, err)
				}
				if found, err := r.Entry(e.Index); err != nil || found != e {
					t.Fatalf("Entry(%d) is %+v, %v", e.Index, found, err)
				}
				k++
			}
			if k != m.Entries || k != len(m.List) || k != walcore.Count(r) {
				t.Errorf("%d entries, %d by terms, want %d", k, walcore.Count(r), m.Entries)
			}
			checkMeta(t, r, m)
			replaced := 0
			for e := range r.Replaced(0) {
				replaced++
				if _, err := e.Data(); err != nil {
					t.Errorf("replaced entry %d: %v", e.Index, err)
				}
			}
			if replaced+k != m.Records.Entries {
				t.Errorf("%d entries and %d that were replaced, want %d in all", k, replaced, m.Records.Entries)
			}
		})
	}
}

func checkMeta(t *testing.T, r *Reader, m *fixture.OtherManifest) {
	t.Helper()
	meta := r.Meta()
	if got := fmt.Sprintf("%x %x", *meta.NodeID, *meta.ClusterID); got != m.NodeID+" "+m.ClusterID {
		t.Errorf("ids %s, want %s %s", got, m.NodeID, m.ClusterID)
	}
	if *meta.HardState != walcore.HardState(m.HardState) {
		t.Errorf("hard state %+v, want %+v", *meta.HardState, m.HardState)
	}
	first, known := r.FirstIndex()
	last, lastKnown := r.LastIndex()
	if !known || !lastKnown || first != m.ReadAll.First || last != m.ReadAll.Last {
		t.Errorf("the log is from %d to %d, want %d to %d", first, last, m.ReadAll.First, m.ReadAll.Last)
	}
	if files := r.Files(); len(files) != m.WALFiles {
		t.Errorf("%d files, want %d", len(files), m.WALFiles)
	}
	s, want := meta.Snapshot, m.Snapshot
	if s.Index != want.Index || s.Term != want.Term || s.Data.Size != want.Size || !slices.Equal(s.ConfState.Voters, want.Voters) ||
		!slices.Equal(s.ConfState.Learners, want.Learners) {
		t.Errorf("snapshot %+v, want %+v", s, want)
	}
	if want.Index > 0 {
		data := make([]byte, s.Data.Size)
		_, err := s.Data.ReadAt(data, 0)
		if err != nil || sum(data) != want.SHA256 {
			t.Errorf("other snapshot data, %v", err)
		}
	}
	named := 0
	for _, s := range m.Records.Snapshots {
		if s.Index > 0 {
			named++
		}
	}
	if len(meta.Snapshots) != named {
		t.Errorf("%d snapshots, want %d", len(meta.Snapshots), named)
	}
}
