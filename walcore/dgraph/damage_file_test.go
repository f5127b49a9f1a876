package dgraph

import (
	"math"
	"os"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// TestShortFile cuts a log file before its payloads: each slot that is left is
// reported, and none is shown. Nothing is said of those that may have been
// behind the cut.
func TestShortFile(t *testing.T) {
	for _, size := range []int64{0, 1, 31, 32, 33, 3200, 31200, format.SlotTableSize - 1, format.SlotTableSize, format.KeyHeaderAt, format.PayloadAt - 1} {
		for _, name := range []string{"alpha", "sealed128"} {
			d := damage(t, name)
			slots := uint64(min(size/format.SlotSize, int64(d.Slots())))
			d.problem("00001.wal", walcore.KindCut, -1, 1, 0, 0)
			if slots > 0 {
				d.about(walcore.KindOffset, 0, int(slots))
			}
			d.Truncate(size)
			d.lose(walcore.ErrDamaged, 1, uint64(len(d.want)))
			if size >= format.SlotTableSize || slots < uint64(size/format.SlotSize) {
				d.noCommit(uint64(len(d.want)))
			}
			d.check()
		}
	}
}

func TestFileCutInItsPayloads(t *testing.T) {
	cut := func(slot int, at int64, kind walcore.Kind) func(*damaged) {
		return func(d *damaged) {
			d.Truncate(int64(d.Get(slot, fixture.Offset)) + at)
			last := len(d.want) - 1
			d.lose(walcore.ErrDamaged, uint64(slot+1), uint64(last+1))
			if kind == walcore.KindLength { // of the one it is cut in; those behind have no offset
				if slot < last {
					d.about(walcore.KindOffset, slot+1, last-slot)
				}
				d.about(walcore.KindLength, slot, 1)
			} else {
				d.about(walcore.KindOffset, slot, last-slot+1)
			}
			d.noCommit(uint64(last + 1))
		}
	}
	whole := func(d *damaged) { d.Truncate(int64(d.Get(974, fixture.Offset)) + format.LengthSize + 27) }
	runCases(t, []damageCase{
		{"behind the last payload", "alpha", whole},
		{"in the last payload", "alpha", cut(974, 30, walcore.KindLength)},
		{"behind the last length", "alpha", cut(974, 4, walcore.KindLength)},
		{"in the last length", "alpha", cut(974, 3, walcore.KindOffset)},
		{"in a payload", "alpha", cut(100, 50, walcore.KindLength)},
		{"in an encrypted payload", "sealed128", cut(100, 50, walcore.KindLength)},
		{"in a length", "alpha", cut(100, 2, walcore.KindOffset)},
		{"at an offset", "alpha", cut(100, 0, walcore.KindOffset)},
		{"behind the header", "alpha", cut(0, 0, walcore.KindOffset)},
	})
}

// TestHoleInAFile: up to a snapshot it is what a follower that lagged has.
func TestHoleInAFile(t *testing.T) {
	hole := func(slot int) func(*damaged) {
		return func(d *damaged) {
			from := d.Get(slot, fixture.Index)
			d.renumber(slot, 5)
			d.problem("00001.wal", walcore.KindHole, slot, 1, 0, from)
			for i := from; i < from+5; i++ {
				d.missing(i, walcore.ErrDamaged)
			}
		}
	}
	runCases(t, []damageCase{
		{"plain", "alpha", hole(100)},
		{"encrypted", "sealed256", hole(100)},
		{"behind the snapshot", "bigsnap", hole(30)},
		{"across the snapshot", "bigsnap", hole(18)},
		{"up to the snapshot", "bigsnap", func(d *damaged) {
			d.renumber(15, 5)
			for i := uint64(16); i <= 20; i++ {
				d.missing(i, walcore.ErrNoEntry)
			}
		}},
		{"up to a snapshot that is announced and not stored", "bigsnap", func(d *damaged) {
			hole(20)(d)
			fixture.Edit(d.t, d.path(format.MetaName)).Write(1024, []byte{0, 0, 0, 0, 0, 0, 0, 25})
			d.problems = append([]walcore.Problem{{File: format.MetaName, Slot: -1, Offset: 1024, Kind: walcore.KindSnapshot}}, d.problems...)
		}},
		{"below the snapshot, of one slot", "bigsnap", func(d *damaged) { d.renumber(1, 5) }},
		{"below the snapshot, of one slot that nothing bears out", "bigsnap", func(d *damaged) {
			d.renumber(0, 3)
			d.renumber(1, 5)
			d.about(walcore.KindOrder, 0, 1)
			d.lose(walcore.ErrNoEntry, 4, 4)
		}},
	})
}

// missing says that an index which the manifest does not have fails with err.
func (d *damaged) missing(index uint64, err error) {
	d.want[index] = fixture.Entry{Index: index}
	d.bad[index] = err
}

// second is the file 00002.wal, with the slots from the given one on.
func (d *damaged) second(from int) fixture.File {
	d.t.Helper()
	return d.Split(from, d.path("00002.wal"))
}

func TestSeveralFiles(t *testing.T) {
	runCases(t, []damageCase{
		{"sound", "alpha", func(d *damaged) { d.second(400) }},
		{"encrypted", "sealed128", func(d *damaged) { d.second(400) }},
		{"ids need not be in a row", "alpha", func(d *damaged) { d.Split(400, d.path("100000.wal")) }},
		{"the order is the indexes', not the names'", "alpha", func(d *damaged) {
			d.second(400)
			d.rename("00001.wal", "00003.wal")
		}},
		{"a file is lost between", "alpha", func(d *damaged) {
			d.Split(700, d.path("00003.wal"))
			d.second(400)
			d.rename("00002.wal", "lost")
			d.problem("00003.wal", walcore.KindHole, 0, 1, 0, 401)
			d.lose(walcore.ErrDamaged, 401, 700)
		}},
		{"the first file is lost", "alpha", func(d *damaged) {
			d.second(400)
			d.rename("00001.wal", "lost")
			d.problem("00002.wal", walcore.KindFirstFile, -1, 1, 0, 401)
			d.lose(walcore.ErrNoEntry, 1, 400)
		}},
		{"the first file behind a snapshot is lost", "bigsnap", func(d *damaged) {
			d.second(25)
			d.rename("00001.wal", "lost")
			d.problem("00002.wal", walcore.KindHole, 0, 1, 0, 21)
			d.lose(walcore.ErrNoEntry, 1, 25)
		}},
		{"a file that is lost up to the snapshot", "bigsnap", func(d *damaged) {
			d.Split(20, d.path("00003.wal"))
			d.second(10)
			d.rename("00002.wal", "lost")
			d.lose(walcore.ErrNoEntry, 11, 20)
		}},
		{"an empty file behind", "alpha", func(d *damaged) {
			d.second(975)
		}},
		{"a file of 0 bytes behind", "alpha", func(d *damaged) {
			fixture.WriteFile(d.t, d.path("00002.wal"), nil)
			d.problem("00002.wal", walcore.KindCut, -1, 1, 0, 0)
		}},
		{"a file of 0 bytes before", "alpha", func(d *damaged) {
			d.second(400)
			d.Truncate(0)
			d.problem("00001.wal", walcore.KindCut, -1, 1, 0, 0)
			d.lose(walcore.ErrDamaged, 1, 400)
		}},
	})
}

// overlap makes a second file, so that entries 301 to 400 are in both.
func overlap(d *damaged) fixture.File {
	d.t.Helper()
	return d.splitTwice(300, 400)
}

// splitTwice makes a second file of the slots from the given one on, and leaves those
// before end in the first one, too.
func (d *damaged) splitTwice(from, end int) fixture.File {
	d.t.Helper()
	table := d.Read(0, end*format.SlotSize)
	last := int64(d.Get(end-1, fixture.Offset)) + format.LengthSize + int64(d.Length(end-1))
	payloads := d.Read(format.PayloadAt, int(last-format.PayloadAt))
	second := d.second(from)
	d.Write(0, table)
	d.Write(format.PayloadAt, payloads)
	return second
}

// TestTwoFilesWithTheSameEntries: an entry that is in two files with the same term is
// shown once. If the terms differ, it cannot be known which one a leader has kept, and
// the entry is damaged.
func TestTwoFilesWithTheSameEntries(t *testing.T) {
	runCases(t, []damageCase{
		{"the same terms", "alpha", func(d *damaged) {
			s := overlap(d)
			d.problem("00002.wal", walcore.KindDuplicate, 0, 100, s.Get(0, fixture.Offset), 301)
		}},
		{"encrypted", "sealed128", func(d *damaged) {
			s := overlap(d)
			d.problem("00002.wal", walcore.KindDuplicate, 0, 100, s.Get(0, fixture.Offset), 301)
		}},
		{"wholly", "alpha", func(d *damaged) {
			s := d.splitTwice(0, 975)
			d.problem("00002.wal", walcore.KindDuplicate, 0, 975, s.Get(0, fixture.Offset), 1)
		}},
		{"other terms", "alpha", func(d *damaged) {
			s := overlap(d)
			for slot := 50; slot < s.Slots(); slot++ {
				s.Set(slot, fixture.Term, 3)
				e := d.want[uint64(slot)+301]
				e.Term = 3
				d.want[uint64(slot)+301] = e
			}
			d.problem("00002.wal", walcore.KindDuplicate, 0, 50, s.Get(0, fixture.Offset), 301)
			d.problem("00002.wal", walcore.KindConflict, 50, 50, s.Get(50, fixture.Offset), 351)
			d.problem(format.MetaName, walcore.KindHardState, -1, 1, 512, 975)
			d.lose(walcore.ErrDamaged, 351, 400)
		}},
		{"a stale file behind a rewrite", "alpha", func(d *damaged) {
			s := overlap(d)
			for slot := 350; slot < 400; slot++ {
				d.Set(slot, fixture.Term, 3)
			}
			d.problem("00002.wal", walcore.KindDuplicate, 0, 50, s.Get(0, fixture.Offset), 301)
			d.problem("00002.wal", walcore.KindConflict, 50, 50, s.Get(50, fixture.Offset), 351)
			d.problem("00002.wal", walcore.KindTerm, 100, 575, s.Get(100, fixture.Offset), 401)
			d.lose(walcore.ErrDamaged, 351, 975)
			d.noCommit(975)
		}},
	})
}

// TestFileThatDoesNotContinue: the second file's first entries contradict the file
// before.
func TestFileThatDoesNotContinue(t *testing.T) {
	runCases(t, []damageCase{
		{"a damaged index is no second entry", "alpha", func(d *damaged) {
			s := d.second(400)
			s.Set(0, fixture.Index, 5)
			s.Set(0, fixture.Term, 1)
			d.problem("00002.wal", walcore.KindOrder, 0, 1, s.Get(0, fixture.Offset), 5)
			d.problem("00002.wal", walcore.KindHole, 1, 1, 0, 401)
			d.lose(walcore.ErrDamaged, 401, 401)
		}},
		{"a term that goes down from file to file", "rewritten", func(d *damaged) {
			s := d.second(400)
			for slot := range s.Slots() {
				s.Set(slot, fixture.Term, 1)
			}
			d.problem("00002.wal", walcore.KindTerm, 0, 50, s.Get(0, fixture.Offset), 401)
			d.lose(walcore.ErrDamaged, 401, 450)
			d.noCommit(450)
		}},
	})
}

// TestGarbage fills whole files with what was never a log.
func TestGarbage(t *testing.T) {
	for _, fill := range []byte{0x01, 0x41, 0xff} {
		d := damage(t, "alpha")
		second := make([]byte, 2<<20)
		for i := range second {
			second[i] = fill
		}
		fixture.WriteFile(t, d.path("00002.wal"), second)
		d.problem("00002.wal", walcore.KindRange, 0, format.SlotsPerFile, fills(fill), fills(fill))
		d.problem("00002.wal", walcore.KindDataKey, -1, 1, format.KeyHeaderAt, 0)
		d.check()
	}
}

func fills(b byte) uint64 { return math.MaxUint64 / 0xff * uint64(b) }

func (d *damaged) rename(from, to string) {
	d.t.Helper()
	fixture.Must(d.t, os.Rename(d.path(from), d.path(to)))
}
