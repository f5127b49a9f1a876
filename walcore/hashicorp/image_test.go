package hashicorp

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// unpackImage writes an image to a folder and opens it.
func unpackImage(t *testing.T, files []walcore.NativeFile) *Reader {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		b, err := io.ReadAll(io.NewSectionReader(f, 0, f.Attr.Size))
		fixture.Must(t, err)
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		fixture.Must(t, os.MkdirAll(filepath.Dir(name), 0o700))
		fixture.WriteFile(t, name, b)
	}
	r := open(t, dir)
	if err := r.CheckDatabase(); err != nil {
		t.Error(err)
	}
	return r
}

// TestImageWhileAppending: raft.db's image has the entries of its moment, while a node adds
// others, and pages are written over. Entries that are gone cannot be read.
func TestImageWhileAppending(t *testing.T) {
	w := newBoltWriter(t, 4096)
	w.stable["LastVoteCand"], w.stable["CurrentTerm"] = []byte("a"), []byte{0, 0, 0, 0, 0, 0, 0, 7}
	for range 300 {
		w.append(3, 200)
	}
	w.append(3, 20000)
	w.commit()
	r := open(t, w.dir())
	files, err := r.Image()
	fixture.Must(t, err)
	for range 4 {
		w.append(4, 300)
		w.commit()
	}
	copied := unpackImage(t, files)
	if *copied.meta.Stable != *r.meta.Stable || len(copied.Problems()) > 0 {
		t.Errorf("%+v, %v", copied.meta.Stable, copied.Problems())
	}
	k := 0
	for e := range copied.Entries(0) {
		data, err := e.Data()
		if k++; err != nil || e.Index != uint64(k) || string(data) != string(entryData(e.Index, 3, int(e.Size))) {
			t.Fatalf("entry %d: %v", e.Index, err)
		}
	}
	if k != 301 {
		t.Errorf("%d entries", k)
	}
	w.entries = w.entries[10:]
	w.commit()
	w.commit()
	if _, err := io.ReadAll(io.NewSectionReader(files[0], 0, 1<<40)); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("entries that were removed: %v", err)
	}
}

// TestNoImage: what a node would not start on has no image, and the error says why.
func TestNoImage(t *testing.T) {
	bolt, wal := fixture.Dir(t, "hashicorp-bolt-n2"), fixture.Dir(t, "hashicorp-wal-n2")
	fixture.Must(t, os.RemoveAll(filepath.Join(bolt, "snapshots")))
	fixture.Must(t, os.Remove(filepath.Join(wal, "wal/00000000000000001154-0000000000000003.wal")))
	for dir, says := range map[string]string{bolt: "the snapshot at index 0, and entry 1 is not in the log", wal: "is missing"} {
		_, err := open(t, dir).Image()
		if !errors.Is(err, walcore.ErrDamaged) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "join again") {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

// TestImageOfSegments: a segment's image has what its commits make count, and zeros behind it.
func TestImageOfSegments(t *testing.T) {
	dir := fixture.Dir(t, "hashicorp-wal-n2")
	r := open(t, dir)
	newest := r.wal.segments[len(r.wal.segments)-1]
	name := filepath.Join(dir, "wal", newest.name)
	want := fixture.ReadFile(t, name)
	fixture.Edit(t, name).Write(newest.end, []byte("a frame that no commit follows"))
	files, err := r.Image()
	fixture.Must(t, err)
	for _, f := range files {
		got, err := io.ReadAll(io.NewSectionReader(f, 0, f.Attr.Size))
		fixture.Must(t, err)
		if filepath.Base(f.Name) == newest.name && string(got) != string(want) {
			t.Error("other bytes")
		}
	}
}

// TestSnapshotWrittenTo: a snapshot's file that is written over in place is another one than
// that whose checksum was right, and a log that follows looks at it again.
func TestSnapshotWrittenTo(t *testing.T) {
	dir := fixture.Dir(t, "hashicorp-wal-n2")
	r := open(t, dir)
	s := r.Meta().Snapshot
	found, err := filepath.Glob(filepath.Join(dir, "snapshots/*/state.bin"))
	fixture.Must(t, err)
	f, err := os.OpenFile(found[0], os.O_WRONLY, 0)
	fixture.Must(t, err)
	_, err = f.WriteAt([]byte("another"), 0)
	fixture.Must(t, errors.Join(err, f.Close()))
	if n, err := s.Data.ReadAt(make([]byte, s.Data.Size), 0); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("%d bytes, %v", n, err)
	}
	next, err := r.Refresh()
	fixture.Must(t, err)
	if next == walcore.Follower(r) || next.Meta().Snapshot.Index == s.Index {
		t.Error("the snapshot is still taken for whole")
	}
}

// TestTailNotMade: a segment that is named before it is made is no part of an image.
func TestTailNotMade(t *testing.T) {
	dir := fixture.Dir(t, "hashicorp-wal-n2")
	fixture.Must(t, os.Remove(filepath.Join(dir, "wal/00000000000000001482-0000000000000004.wal")))
	files, err := open(t, dir).Image()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.Contains(f.Name, "1482-") {
			t.Errorf("%s is there", f.Name)
		}
	}
}
