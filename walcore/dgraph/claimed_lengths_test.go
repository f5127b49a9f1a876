package dgraph

import (
	"encoding/binary"
	"math"
	"runtime"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// TestNothingIsAllocatedByAClaimedLength opens and lists directories that claim
// to hold gigabytes. The bound leaves room for what is right to allocate: some
// MiBs for slot tables and lengths.
func TestNothingIsAllocatedByAClaimedLength(t *testing.T) {
	const bound = 16 << 20
	huge := binary.BigEndian.AppendUint32(nil, math.MaxUint32)
	for _, test := range []struct {
		name, fixture string
		do            func(d *damaged)
	}{
		{"sound", "sealed128", func(*damaged) {}},
		{"payloads", "alpha", func(d *damaged) {
			for slot := range d.Slots() {
				d.SetLength(slot, math.MaxUint32)
			}
		}},
		{"payloads up to the end of the file", "alpha", func(d *damaged) {
			for slot := range d.Slots() {
				d.SetLength(slot, uint32(256<<20-d.Get(slot, fixture.Offset)-format.LengthSize))
			}
		}},
		{"a registry's record", "sealed128", func(d *damaged) {
			b := fixture.ReadFile(t, d.path(format.KeyRegistryName))
			copy(b[format.RegistryHeaderSize:], huge)
			fixture.WriteFile(t, d.path(format.KeyRegistryName), b)
		}},
		{"a sparse registry of 1 TiB", "sealed128", func(d *damaged) {
			fixture.Edit(t, d.path(format.KeyRegistryName)).Truncate(1 << 40)
		}},
		{"hard state and snapshot", "bigsnap", func(d *damaged) {
			f := fixture.Edit(t, d.path(format.MetaName))
			f.Write(512, huge)
			f.Write(1040, huge)
		}},
		{"a snapshot in a sparse file of 1 TiB", "bigsnap", func(d *damaged) {
			f := fixture.Edit(t, d.path(format.MetaName))
			f.Truncate(1 << 40)
			f.Write(1040, huge)
		}},
		{"metadata in a sparse file", "bigsnap", func(d *damaged) {
			f := fixture.Edit(t, d.path(format.MetaName))
			f.Truncate(1 << 40)
			f.Write(1040, huge)
			f.Write(1044, binary.AppendUvarint([]byte{0x12}, 1<<32-10)) // all of it is metadata
		}},
		{"a sparse log file of 1 TiB", "alpha", func(d *damaged) { d.Truncate(1 << 40) }},
	} {
		d := damage(t, test.fixture)
		test.do(d)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := d.open()
		for range r.Entries(0) {
		}
		r.Problems()
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > bound {
			t.Errorf("%s: %d bytes are allocated, want at most %d", test.name, n, bound)
		}
	}
}

// TestListingAllocatesNothingPerEntry: a log has millions.
func TestListingAllocatesNothingPerEntry(t *testing.T) {
	r := open(t, fixture.Dir(t, "alpha"), nil)
	r.Problems()
	n := testing.AllocsPerRun(10, func() {
		for range r.Entries(0) {
		}
	})
	if n > 20 {
		t.Errorf("%v allocations to list 975 entries", n)
	}
}

// TestReadingAllocatesNothingPerEntry: an Entry is a value and its payload goes where
// the caller wants it.
func TestReadingAllocatesNothingPerEntry(t *testing.T) {
	r := open(t, fixture.Dir(t, "alpha"), nil)
	var entries []walcore.Entry
	for e := range r.Entries(900) {
		entries = append(entries, e)
	}
	buf := make([]byte, 0, 1<<20)
	var s walcore.Scanner
	for name, read := range map[string]func(e walcore.Entry) error{
		"AppendData": func(e walcore.Entry) error { _, err := e.AppendData(buf); return err },
		"Scanner":    func(e walcore.Entry) error { _, err := s.Data(&e); return err },
	} {
		n := testing.AllocsPerRun(10, func() {
			for _, e := range entries {
				if err := read(e); err != nil {
					t.Fatal(err)
				}
			}
		})
		if most := float64(len(entries) / 2); n > most {
			t.Errorf("%s: %v allocations to read %d payloads", name, n, len(entries))
		}
	}
}
