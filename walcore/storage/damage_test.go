package storage

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// A rewrite was cut off while slots were set to 0: some are, those behind are not.
func TestStaleTail(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	s := create(t, dir, Options{Logger: quiet})
	fixture.Must(t, s.Save(hard(1, 1, 5), someEntries(1, 1, 10), nil))
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

// A length or an offset that cannot be right.
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

// A log that ends before the commit index, or the checkpoint, is not served.
func TestCommitBeyondTheLog(t *testing.T) {
	for _, damage := range []meta.Patch{meta.EncodeHardState(1, 1, 12), meta.EncodeIDs(1, 1, 12)} {
		dir := filepath.Join(memDir(t), "w")
		s := create(t, dir, Options{Logger: quiet})
		fixture.Must(t, s.Save(hard(1, 1, 10), someEntries(1, 1, 10), nil))
		fixture.Must(t, s.Close())
		patch(t, dir, format.MetaName, damage.At, damage.Bytes)
		_, err := Open(dir, Options{Logger: quiet})
		var where *walcore.Error
		if !errors.As(err, &where) || !errors.Is(err, walcore.ErrDamaged) || where.File != format.MetaName || where.Index != 12 {
			t.Errorf("%d: %v", damage.At, err)
		}
	}
}
