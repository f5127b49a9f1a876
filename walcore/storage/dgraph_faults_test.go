package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// The faults of Dgraph's own code that a writer can commit, where no other
// test is about them. Order of writes: write_order_test.go. Power loss: crash_states_test.go.

var smallFiles = limits{slots: 10, bytes: format.MaxFileSize}

func patch(t testing.TB, dir, name string, at int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR, 0)
	fixture.Must(t, err)
	_, err = f.WriteAt(b, at)
	fixture.Must(t, err)
	fixture.Must(t, f.Close())
}

func peek(t testing.TB, dir, name string, at int64, n int) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	fixture.Must(t, err)
	defer f.Close()
	b := make([]byte, n)
	_, err = f.ReadAt(b, at)
	fixture.Must(t, err)
	return b
}

// wantLog checks that the log is the entries that someEntries gives.
func wantLog(t testing.TB, s *DiskStorage, want ...*raftpb.Entry) {
	t.Helper()
	last, _ := s.LastIndex()
	if last != want[len(want)-1].GetIndex() {
		t.Fatalf("the log ends at %d, want %d", last, want[len(want)-1].GetIndex())
	}
	got, err := s.Entries(want[0].GetIndex(), last+1, 1<<40)
	fixture.Must(t, err)
	for i := range got {
		if !proto.Equal(got[i], want[i]) {
			t.Fatalf("got %v, want %v", got[i], want[i])
		}
	}
}

// Fault 4: snapshots whose size is right at the edge of wal.meta.
func TestSnapshotAtTheEdge(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	s := create(t, dir, Options{})
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 20), nil))
	for i := range uint64(16) {
		data := make([]byte, 1047533-20+i)
		data[len(data)-1] = byte(i)
		fixture.Must(t, s.CreateSnapshot(1+i, nil, data))
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

// Fault 7: a tail from before a rewrite that was flushed by half.
func TestStaleTail(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	s := create(t, dir, Options{Logger: quiet})
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 10), nil))
	fixture.Must(t, s.Close())
	patch(t, dir, format.FileName(1), 5*format.SlotSize, make([]byte, 2*format.SlotSize))
	s = reopen(t, dir, Options{Logger: quiet})
	if p := s.Problems(); len(p) != 1 || p[0].Kind != walcore.KindTorn || p[0].Slot != 5 {
		t.Fatal(p)
	}
	wantLog(t, s, someEntries(1, 1, 5)...)
	fixture.Must(t, s.Save(nil, someEntries(1, 6, 2), nil))
	fixture.Must(t, s.Close())
	s = reopen(t, dir, Options{Logger: quiet})
	wantLog(t, s, someEntries(1, 1, 7)...)
}

// Faults 11 and 12: a rewrite in a sealed file keeps its key header, and uses
// no byte of the key stream twice, also when the directory was opened anew.
func TestRewriteInSealedFile(t *testing.T) {
	for _, again := range []bool{false, true} {
		for _, from := range []uint64{1, 4, 10, 14, 25} {
			dir := filepath.Join(memDir(t), "w")
			opts := Options{Key: []byte("0123456789abcdef"), limits: smallFiles, Logger: quiet}
			s := create(t, dir, opts)
			fixture.Must(t, s.Save(nil, someEntries(1, 1, 27), nil))
			name := format.FileName(uint64(1 + (from-1)/10))
			before := peek(t, dir, name, format.KeyHeaderAt, format.KeyHeaderSize)
			end := s.segments[(from-1)/10].end
			old := peek(t, dir, name, 0, int(end))
			rewritten := someEntries(2, from, 2)
			if again {
				// The tail is dropped by one process, and written by another.
				fixture.Must(t, s.rewind(from))
				fixture.Must(t, s.Close())
				if from == 1 {
					continue // nothing is left: Open makes a new file
				}
				s = reopen(t, dir, opts)
			}
			fixture.Must(t, s.Save(nil, rewritten, nil))
			wantLog(t, s, append(someEntries(1, 1, int(from-1)), rewritten...)...)
			fixture.Must(t, s.Close())
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil && again {
				continue // emptied, and replaced by a new file with its own IV
			}
			if now := peek(t, dir, name, format.KeyHeaderAt, format.KeyHeaderSize); !bytes.Equal(now, before) {
				if again {
					continue // a new file of the same name
				}
				t.Fatalf("rewrite from %d: the key header is gone", from)
			}
			now := peek(t, dir, name, 0, int(end))
			if !bytes.Equal(now[format.PayloadAt:], old[format.PayloadAt:]) {
				t.Fatalf("rewrite from %d, opened again %v: sealed bytes were overwritten", from, again)
			}
			r := openReader(t, dir, opts.Key)
			for e := range r.Entries(0) {
				if data, err := e.Data(); err != nil || !bytes.Equal(data, killData(e.Term, e.Index)) {
					t.Fatalf("reader: entry %d: %q, %v", e.Index, data, err)
				}
			}
		}
	}
}

// Fault 13: what a snapshot from another node replaces is gone, now and when
// opened again.
func TestInstallDropsTheLog(t *testing.T) {
	for _, index := range []uint64{5, 10, 15, 20, 27, 28, 40} {
		dir := filepath.Join(memDir(t), "w")
		s := create(t, dir, Options{limits: smallFiles, Logger: quiet})
		fixture.Must(t, s.Save(hard(1, 1, 3), someEntries(1, 1, 27), nil))
		snap := &raftpb.Snapshot{Data: []byte("s"), Metadata: &raftpb.SnapshotMetadata{Index: &index, Term: proto.Uint64(7)}}
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

// Fault 16: a length or an offset that cannot be.
func TestImpossiblePlaces(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	s := create(t, dir, Options{Logger: quiet})
	fixture.Must(t, s.Save(hard(1, 1, 10), someEntries(1, 1, 10), nil))
	at := s.segments[0].offset(4)
	patch(t, dir, format.FileName(1), at, []byte{0xff, 0xff, 0xff, 0xff})
	_, err := s.Entries(1, 11, 1<<40)
	var where *walcore.Error
	if !errors.As(err, &where) || !errors.Is(err, walcore.ErrDamaged) || where.Slot != 4 || where.Index != 5 || where.Offset != uint64(at) || where.File != format.FileName(1) {
		t.Fatalf("a length: %v", err)
	}
	fixture.Must(t, s.Close())
	for _, offset := range []uint64{0, 4, 1 << 40, 1<<64 - 1} {
		b := binary.BigEndian.AppendUint64(nil, offset)
		patch(t, dir, format.FileName(1), 7*format.SlotSize+16, b)
		if _, err := Open(dir, Options{Logger: quiet}); !errors.Is(err, walcore.ErrDamaged) {
			t.Errorf("offset %d in the committed part: %v", offset, err)
		}
	}
}

// Fault 17: files that are not the log's are left alone.
func TestForeignFiles(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	fixture.Must(t, create(t, dir, Options{}).Close())
	fixture.Must(t, os.Mkdir(filepath.Join(dir, "backup"), 0o700))
	for _, name := range []string{"backup/00001.wal", "7.wal", "00001.wal.bak", "x00002.wal"} {
		fixture.Must(t, os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600))
	}
	s := reopen(t, dir, Options{})
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 3), nil))
	fixture.Must(t, s.Close())
	for _, name := range []string{"backup/00001.wal", "7.wal", "00001.wal.bak", "x00002.wal"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); string(b) != "mine" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

// Fault 21: a key belongs to one storage.
func TestTwoKeys(t *testing.T) {
	base := memDir(t)
	keys := [][]byte{[]byte("0123456789abcdef"), nil, []byte("fedcba9876543210fedcba98")}
	var stores []*DiskStorage
	for i, key := range keys {
		stores = append(stores, create(t, filepath.Join(base, fmt.Sprint(i)), Options{Key: key, limits: smallFiles, Logger: quiet}))
	}
	for _, s := range stores {
		fixture.Must(t, s.Save(nil, someEntries(1, 1, 25), nil))
		fixture.Must(t, s.Close())
	}
	for i, key := range keys {
		dir := filepath.Join(base, fmt.Sprint(i))
		for n := range uint64(3) {
			if sealed := binary.BigEndian.Uint64(peek(t, dir, format.FileName(n+1), format.KeyHeaderAt, 8)) != 0; sealed != (key != nil) {
				t.Errorf("key %q: %s sealed: %v", key, format.FileName(n+1), sealed)
			}
			if raw := peek(t, dir, format.FileName(n+1), format.PayloadAt+format.LengthSize, 8); bytes.HasPrefix(killData(1, 10*n+1), raw) != (key == nil) {
				t.Errorf("key %q: %s holds %q", key, format.FileName(n+1), raw)
			}
		}
		wantLog(t, reopen(t, dir, Options{Key: key}), someEntries(1, 1, 25)...)
	}
	if _, err := Open(filepath.Join(base, "0"), Options{}); !errors.Is(err, walcore.ErrInUse) {
		t.Error(err)
	}
}

// What was acknowledged and is gone or wrong stops Open, and Open changes
// nothing then.
func TestDamageStopsOpen(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir string){
		"a file is missing": func(t *testing.T, dir string) { fixture.Must(t, os.Remove(filepath.Join(dir, format.FileName(2)))) },
		"wal.meta is gone":  func(t *testing.T, dir string) { fixture.Must(t, os.Remove(filepath.Join(dir, format.MetaName))) },
		"a slot is zero": func(t *testing.T, dir string) {
			patch(t, dir, format.FileName(3), 2*format.SlotSize, make([]byte, format.SlotSize))
		},
		"an older slot": func(t *testing.T, dir string) {
			patch(t, dir, format.FileName(1), 2*format.SlotSize, make([]byte, format.SlotSize))
		},
		"a payload":          func(t *testing.T, dir string) { patch(t, dir, format.FileName(3), format.PayloadAt+20, []byte("?")) },
		"a hard state":       func(t *testing.T, dir string) { patch(t, dir, format.MetaName, 512, []byte{0xff}) },
		"a snapshot's index": func(t *testing.T, dir string) { patch(t, dir, format.MetaName, 1024, []byte{1}) },
		"a file twice": func(t *testing.T, dir string) {
			b, err := os.ReadFile(filepath.Join(dir, format.FileName(1)))
			fixture.Must(t, err)
			fixture.Must(t, os.WriteFile(filepath.Join(dir, format.FileName(4)), b, 0o600))
		},
	} {
		dir := filepath.Join(memDir(t), "w")
		s := create(t, dir, Options{Checksums: true, limits: smallFiles, Logger: quiet})
		fixture.Must(t, s.Save(hard(1, 1, 25), someEntries(1, 1, 25), nil))
		fixture.Must(t, s.Close())
		damage(t, dir)
		before := snapshotDir(t, dir)
		if _, err := Open(dir, Options{Logger: quiet}); !errors.Is(err, walcore.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if after := snapshotDir(t, dir); after != before {
			t.Errorf("%s: Open has changed the directory:\n%s\n%s", name, before, after)
		}
	}
	// In an older file the payloads are not looked at before they are read.
	dir := filepath.Join(memDir(t), "w")
	s := create(t, dir, Options{Checksums: true, limits: smallFiles, Logger: quiet})
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 25), nil))
	patch(t, dir, format.FileName(1), format.PayloadAt+20, []byte("?"))
	if _, err := s.Entries(1, 3, 1<<40); !errors.Is(err, walcore.ErrDamaged) {
		t.Errorf("a payload in an older file: %v", err)
	}
	r := openReader(t, dir, nil)
	e, err := r.Entry(2)
	fixture.Must(t, err)
	for _, n := range []int{1, 4, 100} {
		if _, err := e.ReadAt(make([]byte, n), 0); !errors.Is(err, walcore.ErrDamaged) {
			t.Errorf("a reader: %v", err)
		}
	}
}

func snapshotDir(t testing.TB, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	fixture.Must(t, err)
	out := ""
	for _, e := range list {
		info, err := e.Info()
		fixture.Must(t, err)
		out += fmt.Sprintln(e.Name(), info.Size(), info.ModTime().UnixNano())
	}
	return out
}

func TestCommitBeyondTheLog(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	s := create(t, dir, Options{Logger: quiet})
	fixture.Must(t, s.Save(hard(1, 1, 12), someEntries(1, 1, 10), nil))
	fixture.Must(t, s.Close())
	s = reopen(t, dir, Options{Logger: quiet})
	if p := s.Problems(); len(p) != 1 || p[0].Kind != walcore.KindCommit || p[0].Index != 12 {
		t.Error(p)
	}
}

// What Dgraph has written can be opened, read as Dgraph reads it, and added
// to; what is damaged or cannot be told is refused.
func TestOpenEveryFixture(t *testing.T) {
	for _, name := range fixture.All() {
		t.Run(name, func(t *testing.T) {
			dir := fixture.Dir(t, name)
			want := fixture.ReadManifest(t, name)
			s := reopen(t, dir, Options{Key: fixture.Key(name)})
			first, _ := s.FirstIndex()
			last, _ := s.LastIndex()
			if first != want.Meta.FirstIndex || last != want.Meta.LastIndex || len(s.Problems()) > 0 {
				t.Fatalf("%d to %d, want %d to %d; %v", first, last, want.Meta.FirstIndex, want.Meta.LastIndex, s.Problems())
			}
			term, _ := s.Term(last)
			fixture.Must(t, s.Save(nil, someEntries(term+1, last+1, 3), nil))
			got, err := s.Entries(first, last+4, 1<<40)
			fixture.Must(t, err)
			if len(got) != int(last+4-first) {
				t.Fatalf("%d entries", len(got))
			}
			for _, w := range want.Entries {
				if w.Index < first {
					continue
				}
				e := got[w.Index-first]
				if e.GetTerm() != w.Term || int32(e.GetType()) != w.Type || sha(e.Data) != w.SHA256 {
					t.Fatalf("entry %v, want %+v", e, w)
				}
			}
		})
	}
	if fixture.Has("sealed-erased") {
		if _, err := Open(fixture.Dir(t, "sealed-erased"), Options{Key: fixture.Key("sealed-erased")}); !errors.Is(err, walcore.ErrDataKey) {
			t.Errorf("a key id that was erased: %v", err)
		}
	}
	if _, err := Open(fixture.Dir(t, "sealed128"), Options{}); !errors.Is(err, walcore.ErrSealed) {
		t.Errorf("no key: %v", err)
	}
	if _, err := Open(fixture.Dir(t, "sealed128"), Options{Key: []byte("not the key that")}); !errors.Is(err, walcore.ErrKey) {
		t.Errorf("another key: %v", err)
	}
}
