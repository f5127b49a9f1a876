package dgraph

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// faults says that wal.meta has a fault at each offset; those from 1024 on are
// about the snapshot.
func (d *damaged) faults(offsets ...uint64) {
	for _, at := range offsets {
		kind := walcore.KindMeta
		if at >= 1024 {
			kind = walcore.KindSnapshot
		}
		d.problem(format.MetaName, kind, -1, 1, at, 0)
	}
}

// TestDamagedMeta: whatever is wrong with wal.meta, every entry reads.
func TestDamagedMeta(t *testing.T) {
	cut := func(size int64, faults ...uint64) func(*damaged) {
		return func(d *damaged) {
			fixture.Must(d.t, os.Truncate(d.path(format.MetaName), size))
			d.faults(faults...)
		}
	}
	edit := func(at int, b []byte, faults ...uint64) func(*damaged) {
		return func(d *damaged) {
			meta := fixture.ReadFile(d.t, d.path(format.MetaName))
			copy(meta[at:], b)
			fixture.WriteFile(d.t, d.path(format.MetaName), meta)
			d.faults(faults...)
		}
	}
	u64 := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	huge := []byte{0xff, 0xff, 0xff, 0xff}
	runCases(t, []damageCase{
		{"missing", "alpha", func(d *damaged) {
			fixture.Must(d.t, os.Remove(d.path(format.MetaName)))
			d.problem(format.MetaName, walcore.KindMeta, -1, 1, 0, 0)
		}},
		{"0 bytes", "alpha", cut(0, 0, 8, 16, 512, 1024, 1032, 1040)},
		{"100 bytes", "alpha", cut(100, 512, 1024, 1032, 1040)},
		{"1,043 bytes", "bigsnap", cut(1043, 1040)},
		{"cut in the snapshot", "bigsnap", cut(2<<20, 1040)},
		{"hard state of 4 GiB", "bigsnap", edit(512, huge, 512)},
		{"hard state of garbage", "alpha", edit(516, huge, 512)},
		{"snapshot of 4 GiB", "bigsnap", edit(1040, huge, 1040)},
		{"snapshot of garbage", "bigsnap", edit(1044, bytes.Repeat(huge, 20), 1040)},
		{"all garbage", "bigsnap", func(d *damaged) {
			edit(0, bytes.Repeat(huge, 1000), 512, 1040)(d)
			d.problem(format.MetaName, walcore.KindSnapshot, -1, 1, 1024, math.MaxUint64)
		}},
		{"all zero", "bigsnap", func(d *damaged) {
			edit(0, make([]byte, 4<<20))(d)
			d.problem(format.MetaName, walcore.KindHardState, -1, 1, 512, 50)
		}},
		{"hard state of zeros", "alpha", func(d *damaged) {
			edit(512, make([]byte, 16))(d)
			d.problem(format.MetaName, walcore.KindHardState, -1, 1, 512, 975)
			d.problem(format.MetaName, walcore.KindCheckpoint, -1, 1, 16, 975)
		}},
		{"hard state of zeros, no checkpoint", "zero", func(d *damaged) {
			edit(512, make([]byte, 16))(d)
			d.problem(format.MetaName, walcore.KindHardState, -1, 1, 512, 419)
		}},
		{"hard state of zeros behind a snapshot", "snaponly", func(d *damaged) {
			edit(512, make([]byte, 16))(d)
			d.problem(format.MetaName, walcore.KindHardState, -1, 1, 512, 0)
			d.problem(format.MetaName, walcore.KindCommit, -1, 1, 512, 0)
		}},
		{"hard state of an older term", "alpha", func(d *damaged) {
			edit(516, []byte{0x08, 1})(d)
			d.problem(format.MetaName, walcore.KindHardState, -1, 1, 512, 975)
		}},
		{"commit below the snapshot", "bigsnap", func(d *damaged) {
			edit(516, []byte{0x08, 2, 0x10, 2, 0x18, 19})(d)
			d.problem(format.MetaName, walcore.KindCommit, -1, 1, 512, 19)
		}},
		{"checkpoint beyond the commit index", "alpha", func(d *damaged) {
			edit(16, u64(976))(d)
			d.problem(format.MetaName, walcore.KindCheckpoint, -1, 1, 16, 976)
		}},
		{"snapshot of another term than its entry", "bigsnap", func(d *damaged) {
			edit(1032, u64(1))(d)
			at := bytes.LastIndex(fixture.ReadFile(d.t, d.path(format.MetaName)), []byte{0x10, 20, 0x18, 2})
			edit(at+3, []byte{1})(d)
			d.about(walcore.KindSnapshot, 19, 1)
		}},
		{"snapshot announced with another index", "bigsnap", edit(1024, u64(21), 1024)},
		{"snapshot announced with another term", "bigsnap", edit(1032, u64(9), 1024)},
		{"snapshot announced and not stored", "alpha", edit(1024, u64(21), 1040)},
		{"snapshot announced far behind the log", "bigsnap", func(d *damaged) {
			edit(1024, u64(math.MaxUint64), 1024)(d)
			d.problem(format.MetaName, walcore.KindSnapshot, -1, 1, 1024, math.MaxUint64)
		}},
		{"commit beyond the log", "alpha", func(d *damaged) {
			edit(516, []byte{0x08, 2, 0x10, 1, 0x18, 0xd0, 0x07})(d)
			d.noCommit(976)
		}},
		{"encrypted, missing", "sealed128", func(d *damaged) {
			fixture.Must(d.t, os.Remove(d.path(format.MetaName)))
			d.problem(format.MetaName, walcore.KindMeta, -1, 1, 0, 0)
		}},
	})
}

// TestFirstAndLastIndex of what is unknown are not made up.
func TestFirstAndLastIndex(t *testing.T) {
	for _, test := range []struct {
		name, fixture string
		meta          int64 // is cut there; -1: missing
		first         uint64
		firstKnown    bool
		last          uint64
		lastKnown     bool
	}{
		{"log", "alpha", 1 << 20, 1, true, 975, true},
		{"log and snapshot", "bigsnap", 4 << 20, 21, true, 50, true},
		{"snapshot alone", "snaponly", 1 << 20, 1001, true, 1000, true},
		{"nothing yet", "empty", 1 << 20, 1, true, 0, true},
		{"log, no snapshot index", "bigsnap", 1030, 0, false, 50, true},
		{"log, no snapshot index that can be", "huge", 4 << 20, 0, false, 50, true},
		{"log, no wal.meta", "bigsnap", -1, 0, false, 50, true},
		{"no log, no wal.meta", "empty", -1, 0, false, 0, false},
	} {
		d := damage(t, strings.Replace(test.fixture, "huge", "bigsnap", 1))
		if test.fixture == "huge" {
			fixture.Edit(t, d.path(format.MetaName)).Write(1024, bytes.Repeat([]byte{0xff}, 8))
		}
		if test.meta < 0 {
			fixture.Must(t, os.Remove(d.path(format.MetaName)))
		} else {
			fixture.Must(t, os.Truncate(d.path(format.MetaName), test.meta))
		}
		r := d.open()
		first, firstKnown := r.FirstIndex()
		last, lastKnown := r.LastIndex()
		if first != test.first || firstKnown != test.firstKnown || last != test.last || lastKnown != test.lastKnown {
			t.Errorf("%s: got %d %t, %d %t, want %d %t, %d %t", test.name, first, firstKnown, last, lastKnown,
				test.first, test.firstKnown, test.last, test.lastKnown)
		}
	}
}

// TestMetaThatCannotBeRead: what is not known was lost, and is not what Dgraph does
// not keep. The next look does not take it for sound.
func TestMetaThatCannotBeRead(t *testing.T) {
	r := &Reader{log: &log{}, look: look{follower: &follower{}, metaFile: &nativeFile{Name: format.MetaName}, meta: &meta.Meta{}}}
	if !r.summarize().Damaged {
		t.Error("nothing of wal.meta is known, and it counts as whole")
	}
	if r.asPrevious().meta != nil {
		t.Error("the next look takes it for sound")
	}
}
