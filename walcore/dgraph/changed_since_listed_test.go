package dgraph

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// changedCase is a change to a log file between listing and reading.
type changedCase struct {
	name   string
	change func(d *damaged)
	gone   func(index uint64) bool // must fail, with ErrChanged; all others must read
}

var changedCases = []changedCase{
	{"a slot zeroed", func(d *damaged) { d.Write(100*format.SlotSize, make([]byte, format.SlotSize)) }, only(101)},
	{"a slot's term", func(d *damaged) { d.Set(100, fixture.Term, 9) }, only(101)},
	{"a slot's index", func(d *damaged) { d.Set(100, fixture.Index, 9) }, only(101)},
	{"a slot's type", func(d *damaged) { d.Set(100, fixture.Type, 1) }, only(101)},
	{"a slot's offset", func(d *damaged) { d.Set(100, fixture.Offset, d.Get(101, fixture.Offset)) }, only(101)},
	{"a longer payload", func(d *damaged) { d.SetLength(100, d.Length(100)+1) }, only(101)},
	{"a shorter payload", func(d *damaged) { d.SetLength(100, d.Length(100)-1) }, only(101)},
	{"an emptied payload", func(d *damaged) { d.SetLength(100, 0) }, only(101)},
	{"a payload of 4 GiB", func(d *damaged) { d.SetLength(100, 1<<32-1) }, only(101)},
	{"a new term from a slot on", func(d *damaged) {
		for slot := 300; slot < d.Slots(); slot++ {
			d.Set(slot, fixture.Term, 9)
		}
	}, func(index uint64) bool { return index > 300 }},
	{"all slots zeroed", func(d *damaged) { d.Write(0, make([]byte, format.SlotTableSize)) }, func(uint64) bool { return true }},
	{"cut in the payloads", func(d *damaged) { d.Truncate(int64(d.Get(300, fixture.Offset))) },
		func(index uint64) bool { return index > 300 }},
	{"cut to nothing", func(d *damaged) { d.Truncate(0) }, func(uint64) bool { return true }},
	{"cut to nothing and deleted", func(d *damaged) {
		d.Truncate(0)
		fixture.Must(d.t, os.Remove(d.path("00001.wal")))
	}, func(uint64) bool { return true }},
	{"cut and grown again", func(d *damaged) { d.Truncate(0); d.Truncate(256 << 20) }, func(uint64) bool { return true }},
	{"deleted", func(d *damaged) { fixture.Must(d.t, os.Remove(d.path("00001.wal"))) }, func(uint64) bool { return false }},
	{"replaced by another", func(d *damaged) {
		fixture.Must(d.t, os.Remove(d.path("00001.wal")))
		fixture.WriteFile(d.t, d.path("00001.wal"), make([]byte, 2<<20))
	}, func(uint64) bool { return false }},
	{"grown", func(d *damaged) { d.Truncate(512 << 20) }, func(uint64) bool { return false }},
	{"more entries", func(d *damaged) {
		n := d.Slots()
		d.Set(n, fixture.Term, 2)
		d.Set(n, fixture.Index, uint64(n+1))
		d.Set(n, fixture.Offset, 200<<20)
	}, func(uint64) bool { return false }},
}

// TestChangedUnderneath changes a log file between listing and reading: an
// entry gives its old bytes or an error, never others.
func TestChangedUnderneath(t *testing.T) {
	fixture.NotForRace(t)
	for _, name := range []string{"alpha", "sealed128"} {
		for _, test := range changedCases {
			t.Run(name+", "+test.name, func(t *testing.T) {
				t.Parallel()
				d := damage(t, name)
				r := d.open()
				entries := slices.Collect(r.Entries(0))
				old := make([][]byte, len(entries))
				for i := range entries {
					var err error
					old[i], err = entries[i].Data()
					fixture.Must(t, err)
				}
				test.change(d)
				for i := range entries {
					e := &entries[i]
					checkOld(t, e, old[i], e.Size > 0 && test.gone(e.Index))
				}
			})
		}
	}
}

func only(index uint64) func(uint64) bool { return func(i uint64) bool { return i == index } }

// checkOld reads an entry whole and by parts.
func checkOld(t *testing.T, e *walcore.Entry, old []byte, gone bool) {
	t.Helper()
	data, err := e.Data()
	if gone != errors.Is(err, walcore.ErrChanged) || !gone && (err != nil || !bytes.Equal(data, old)) {
		t.Fatalf("entry %d: %d bytes, %v", e.Index, len(data), err)
	}
	part := make([]byte, 7)
	for off := int64(0); off < e.Size; off += 1 + e.Size/3 {
		n, err := e.ReadAt(part, off)
		if gone != errors.Is(err, walcore.ErrChanged) || !gone && !bytes.Equal(part[:n], old[off:min(off+7, e.Size)]) {
			t.Fatalf("entry %d at %d: %d bytes, %v", e.Index, off, n, err)
		}
	}
}

// TestChangedBeforeLengthsAreRead: the slots are read when a directory is
// opened, lengths when they are first needed.
func TestChangedBeforeLengthsAreRead(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(d *damaged)
		whole  int // entries that are still to be had, at most
	}{
		{"cut to nothing", func(d *damaged) { d.Truncate(0) }, 0},
		{"cut behind the header", func(d *damaged) { d.Truncate(format.PayloadAt) }, 0},
		{"cut in the payloads", func(d *damaged) { d.Truncate(int64(d.Get(300, fixture.Offset))) }, 300},
		{"all slots zeroed", func(d *damaged) { d.Write(0, make([]byte, format.SlotTableSize)) }, 2},
		{"payloads zeroed", func(d *damaged) { d.Write(format.PayloadAt, make([]byte, 1<<20)) }, 0},
	} {
		d := damage(t, "alpha")
		r := d.open()
		test.change(d)
		whole := 0
		for e := range r.Entries(0) {
			data, err := e.Data()
			if err != nil {
				if !errors.Is(err, walcore.ErrChanged) {
					t.Fatalf("%s: entry %d: %v", test.name, e.Index, err)
				}
				continue
			}
			if len(data) > 0 {
				whole++
			}
		}
		if whole > test.whole {
			t.Errorf("%s: %d entries read", test.name, whole)
		}
		r.Problems()
	}
}

func TestNativeFileChangedUnderneath(t *testing.T) {
	d := damage(t, "bigsnap")
	r := d.open()
	fixture.Must(t, os.Truncate(d.path(format.MetaName), 2<<20))
	for _, n := range r.Native() {
		if n.Name != format.MetaName {
			continue
		}
		if _, err := n.ReadAt(make([]byte, 100), 0); err != nil {
			t.Errorf("what is left: %v", err)
		}
		for _, off := range []int64{2<<20 - 50, 2 << 20, 3 << 20} {
			if n, err := n.ReadAt(make([]byte, 100), off); n != 0 || !errors.Is(err, walcore.ErrChanged) {
				t.Errorf("at %d: got %d bytes, %v, want %v", off, n, err, walcore.ErrChanged)
			}
		}
	}
}
