package hashicorp

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// manifest is what HashiCorp's own code reads from a fixture.
type manifest struct{ *fixture.OtherManifest }

func readManifest(t testing.TB, name string) manifest { return manifest{fixture.ReadOther(t, name)} }

func (m *manifest) entry(index uint64) (e fixture.OtherEntry, ok bool) {
	if index < m.FirstIndex || index > m.LastIndex {
		return e, false
	}
	return m.List[index-m.FirstIndex], true
}

func open(t testing.TB, dir string) *Reader {
	t.Helper()
	r, err := Open(dir)
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// wrong says in what an entry is not the manifest's, or "".
func (m *manifest) wrong(e walcore.Entry, data []byte) string {
	want, ok := m.entry(e.Index)
	name, _ := system.TypeName(e.Type)
	sum := sha256.Sum256(data)
	at, stored := e.Time()
	switch {
	case !ok:
		return "it is not in the log"
	case e.Term != want.Term || name.Symbol != want.Type || e.Size != want.Size:
		return "it has another term, type or size"
	case hex.EncodeToString(sum[:]) != want.SHA256:
		return "it has other bytes"
	case stored == want.AppendedAt.IsZero() || stored && !at.Equal(want.AppendedAt):
		return "it has another time"
	}
	return ""
}

// TestReadsWhatTheLibraryReads: all that a manifest tells.
func TestReadsWhatTheLibraryReads(t *testing.T) {
	for _, name := range fixture.HashiCorp() {
		t.Run(name, func(t *testing.T) {
			m, dir := readManifest(t, name), fixture.Dir(t, name)
			r := open(t, dir)
			next := m.FirstIndex
			for e := range r.Entries(0) {
				data, err := e.Data()
				fixture.Must(t, err)
				if wrong := m.wrong(e, data); wrong != "" || e.Index != next {
					t.Errorf("entry %d, after %d: %s", e.Index, next-1, wrong)
				}
				next++
			}
			first, known1 := r.FirstIndex()
			last, known2 := r.LastIndex()
			if next != m.LastIndex+1 || first != m.FirstIndex || last != m.LastIndex || !known1 || !known2 || walcore.Count(r) != len(m.List) {
				t.Errorf("entries up to %d, from %d to %d, %d", next-1, first, last, walcore.Count(r))
			}
			if problems := r.Problems(); len(problems) > 0 {
				t.Errorf("%v", problems)
			}
			meta := r.Meta()
			if want := (walcore.Stable{CurrentTerm: m.CurrentTerm, LastVoteTerm: m.LastVoteTerm, LastVoteCandidate: m.LastVoteCandidate}); *meta.Stable != want {
				t.Errorf("%+v, want %+v", *meta.Stable, want)
			}
			if meta.HardState != nil || meta.RaftID != nil || meta.GroupID != nil || meta.CheckpointIndex != nil || meta.Damaged {
				t.Errorf("it knows what is not on disk: %+v", meta)
			}
			compareSnapshots(t, meta, &m)
			compareNative(t, r, dir)
		})
	}
}

func compareSnapshots(t *testing.T, meta *walcore.Meta, m *manifest) {
	t.Helper()
	if len(meta.Snapshots) != len(m.Snapshots) {
		t.Fatalf("%d snapshots, want %d", len(meta.Snapshots), len(m.Snapshots))
	}
	if len(m.Snapshots) == 0 && (meta.Snapshot.Index != 0 || *meta.SnapshotIndex != 0 || *meta.SnapshotTerm != 0) {
		t.Errorf("a snapshot at %d", meta.Snapshot.Index)
	}
	for i, want := range m.Snapshots {
		s := meta.Snapshots[i]
		data, err := io.ReadAll(io.NewSectionReader(s.Data, 0, s.Data.Size))
		fixture.Must(t, err)
		sum := sha256.Sum256(data)
		if s.Index != want.Index || s.Term != want.Term || s.Data.Size != want.Size || hex.EncodeToString(sum[:]) != want.SHA256 {
			t.Errorf("snapshot %d of term %d, %d bytes; want %+v", s.Index, s.Term, s.Data.Size, want)
		}
		stored, err := io.ReadAll(io.NewSectionReader(s.Stored, 0, s.Stored.Size))
		if err != nil || !json.Valid(stored) {
			t.Errorf("what is stored beside it: %s, %v", stored, err)
		}
		for k, server := range want.Servers {
			if got := s.ConfState.Servers[k]; got != (walcore.Server{ID: server.ID, Address: server.Address, Voter: server.Suffrage == 0}) {
				t.Errorf("%+v, want %+v", got, server)
			}
		}
		if i == len(m.Snapshots)-1 && (meta.Snapshot != s || *meta.SnapshotIndex != s.Index || *meta.SnapshotTerm != s.Term) {
			t.Error("it is not the newest")
		}
	}
}

// compareNative compares native files with those on disk.
func compareNative(t *testing.T, r *Reader, dir string) {
	t.Helper()
	native := r.Native()
	for _, n := range native {
		want := fixture.ReadFile(t, filepath.Join(dir, filepath.FromSlash(n.Name)))
		got, err := io.ReadAll(io.NewSectionReader(n, 0, n.Attr.Size))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: other bytes, %v", n.Name, err)
		}
	}
	if len(native) < 1 {
		t.Error("no native files")
	}
}

// TestReplaced: the follower's segments still have 25 entries of its term that the next leader
// has replaced, and their indexes have others in the log.
func TestReplaced(t *testing.T) {
	r, next := open(t, fixture.Dir(t, "hashicorp-wal-n2")), uint64(1482)
	for e := range r.Replaced(0) {
		data, err := e.Data()
		now, err2 := r.Entry(e.Index)
		if e.Index != next || e.Term != 3 || now.Term != 9 || err != nil || err2 != nil || len(data) == 0 || e.File.Name == now.File.Name {
			t.Errorf("%+v, and %+v: %v, %v", e, now, err, err2)
		}
		next++
	}
	if next != 1507 {
		t.Errorf("the last one is %d", next-1)
	}
	for e := range r.Replaced(1500) {
		if e.Index < 1500 {
			t.Errorf("%d is below 1500", e.Index)
		}
	}
}

// TestScannerReadsTheSame: what is read ahead is what is read alone.
func TestScannerReadsTheSame(t *testing.T) {
	for _, name := range fixture.HashiCorp()[:2] {
		var s walcore.Scanner
		r := open(t, fixture.Dir(t, name))
		for e := range r.Entries(0) {
			alone, err := e.Data()
			ahead, err2 := s.Data(&e)
			if err != nil || err2 != nil || string(alone) != string(ahead) {
				t.Errorf("%s: entry %d: %v, %v", name, e.Index, err, err2)
			}
		}
	}
}

// TestEntry: entries are found by their index, and others are not.
func TestEntry(t *testing.T) {
	for _, name := range fixture.HashiCorp()[:2] {
		m, r := readManifest(t, name), open(t, fixture.Dir(t, name))
		for _, index := range []uint64{m.FirstIndex, 1153, 1154, 1481, 1482, m.LastIndex} {
			e, err := r.Entry(index)
			fixture.Must(t, err)
			data, err := e.Data()
			if wrong := m.wrong(e, data); e.Index != index || err != nil || wrong != "" {
				t.Errorf("%s: entry %d: %v, %s", name, index, err, wrong)
			}
		}
		for _, index := range []uint64{0, 1, m.FirstIndex - 1, m.LastIndex + 1, 1 << 62} {
			if _, err := r.Entry(index); !errors.Is(err, walcore.ErrNoEntry) {
				t.Errorf("%s: entry %d: %v", name, index, err)
			}
		}
		if err := r.Gap(0, 1<<63); err != nil {
			t.Error(err)
		}
	}
}
