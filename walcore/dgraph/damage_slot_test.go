package dgraph

import (
	"errors"
	"math"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// damageCase damages a fixture and says with d.lose, d.about and d.problem what
// is to come of it.
type damageCase struct {
	name, fixture string
	do            func(d *damaged)
}

func runCases(t *testing.T, cases []damageCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := damage(t, c.fixture)
			c.do(d)
			d.check()
		})
	}
}

// noCommit says that the last entry is lost, and with it the commit index.
func (d *damaged) noCommit(commit uint64) {
	d.problem(format.MetaName, walcore.KindCommit, -1, 1, 512, commit)
}

// noIndex says that a slot before the given one has an index that is no use,
// so that its own is missing.
func (d *damaged) noIndex(slot int, index uint64) {
	d.problem("00001.wal", walcore.KindHole, slot, 1, 0, index)
}

// inside damages the index of a slot that has others on both sides.
func inside(slot int, field fixture.Field, value uint64, kind walcore.Kind) func(*damaged) {
	return func(d *damaged) {
		index := d.Get(slot, fixture.Index)
		oneSlot(slot, field, value, kind)(d)
		d.noIndex(slot+1, index)
	}
}

// oneSlot damages a field of one slot, which costs that slot's entry alone.
func oneSlot(slot int, field fixture.Field, value uint64, kind walcore.Kind) func(*damaged) {
	return func(d *damaged) {
		index := d.Get(slot, fixture.Index)
		d.Set(slot, field, value)
		d.about(kind, slot, 1)
		d.lose(walcore.ErrDamaged, index, index)
	}
}

func TestDamagedOffset(t *testing.T) {
	const size = 256 << 20
	runCases(t, []damageCase{
		{"zero", "alpha", oneSlot(100, fixture.Offset, 0, walcore.KindOffset)},
		{"in the slot table", "alpha", oneSlot(100, fixture.Offset, 4, walcore.KindOffset)},
		{"just below the payloads", "sealed128", oneSlot(100, fixture.Offset, format.PayloadAt-1, walcore.KindOffset)},
		{"the length does not fit", "alpha", oneSlot(100, fixture.Offset, size-3, walcore.KindOffset)},
		{"the end", "alpha", oneSlot(100, fixture.Offset, size, walcore.KindOffset)},
		{"beyond the end", "sealed256", oneSlot(100, fixture.Offset, size+1<<20, walcore.KindOffset)},
		{"negative", "alpha", oneSlot(100, fixture.Offset, 1<<63+format.PayloadAt, walcore.KindOffset)},
		{"the highest", "alpha", oneSlot(100, fixture.Offset, math.MaxUint64, walcore.KindOffset)},
		{"first slot", "alpha", oneSlot(0, fixture.Offset, 0, walcore.KindOffset)},
		{"last slot", "alpha", func(d *damaged) {
			oneSlot(974, fixture.Offset, 0, walcore.KindOffset)(d)
			d.noCommit(975)
		}},
		{"the payload before", "alpha", func(d *damaged) { oneSlot(100, fixture.Offset, d.Get(99, fixture.Offset), walcore.KindOffset)(d) }},
		{"the payload behind", "alpha", func(d *damaged) { oneSlot(100, fixture.Offset, d.Get(101, fixture.Offset), walcore.KindOffset)(d) }},
		{"a payload far behind", "sealed128", func(d *damaged) { oneSlot(100, fixture.Offset, d.Get(300, fixture.Offset), walcore.KindOffset)(d) }},
		{"inside the payload before", "alpha", func(d *damaged) {
			oneSlot(101, fixture.Offset, d.Get(101, fixture.Offset)-9, walcore.KindOffset)(d)
		}},
		{"in the zeros behind all", "alpha", oneSlot(100, fixture.Offset, 200<<20, walcore.KindOffset)},
		{"in an emptied payload", "emptied", func(d *damaged) {
			d.Write(int64(d.Get(30, fixture.Offset))+10, make([]byte, 4))
			oneSlot(30, fixture.Offset, d.Get(30, fixture.Offset)+10, walcore.KindOffset)(d)
			// A gap is legal on both sides, so that nothing tells: the entry
			// is empty either way.
			d.problems, d.bad = nil, map[uint64]error{}
		}},
		{"last slot, in the zeros", "alpha", func(d *damaged) {
			d.Set(974, fixture.Offset, 200<<20)
			d.about(walcore.KindLength, 973, 1)
			d.about(walcore.KindOffset, 974, 1)
			d.lose(walcore.ErrDamaged, 974, 975)
			d.noCommit(975)
		}},
	})
}

// length damages the length of a slot's payload.
func length(slot int, n func(uint32) uint32) func(*damaged) {
	return func(d *damaged) {
		d.SetLength(slot, n(d.Length(slot)))
		d.about(walcore.KindLength, slot, 1)
		d.lose(walcore.ErrDamaged, uint64(slot+1), uint64(slot+1))
	}
}

func TestDamagedLength(t *testing.T) {
	set := func(n uint32) func(uint32) uint32 { return func(uint32) uint32 { return n } }
	add := func(n int) func(uint32) uint32 { return func(l uint32) uint32 { return uint32(int(l) + n) } }
	runCases(t, []damageCase{
		{"4 GiB", "alpha", length(100, set(math.MaxUint32))},
		{"encrypted, 4 GiB", "sealed128", length(100, set(math.MaxUint32))},
		{"2 GiB", "alpha", length(100, set(1<<31))},
		{"a byte beyond the file", "alpha", func(d *damaged) {
			length(100, set(uint32(256<<20-d.Get(100, fixture.Offset)-format.LengthSize+1)))(d)
		}},
		{"up to the end of the file", "alpha", func(d *damaged) {
			length(100, set(uint32(256<<20-d.Get(100, fixture.Offset)-format.LengthSize)))(d)
		}},
		{"into the next payload", "alpha", length(100, add(1))},
		{"encrypted, into the next payload", "sealed128", length(100, add(100))},
		{"over many payloads", "alpha", length(100, add(50000))},
		{"too short", "alpha", length(100, add(-1))},
		{"none", "alpha", length(100, set(0))},
		{"first slot", "alpha", length(0, set(math.MaxUint32))},
		{"last slot", "alpha", func(d *damaged) {
			length(974, set(math.MaxUint32))(d)
			d.noCommit(975)
		}},
		{"not emptied", "emptied", func(d *damaged) {
			d.SetLength(60, 0) // behind full ones: no emptying did that
			d.about(walcore.KindLength, 60, 1)
			d.lose(walcore.ErrDamaged, 61, 61)
		}},
		{"a conf change with none", "alpha", length(0, set(0))},
		{"last but one, into the last", "alpha", func(d *damaged) {
			d.SetLength(973, d.Length(973)+1)
			d.about(walcore.KindLength, 973, 1)
			d.about(walcore.KindOffset, 974, 1)
			d.lose(walcore.ErrDamaged, 974, 975)
			d.noCommit(975)
		}},
		{"several in a row", "alpha", func(d *damaged) {
			for slot := 100; slot < 103; slot++ {
				d.SetLength(slot, math.MaxUint32)
			}
			d.about(walcore.KindLength, 100, 3)
			d.lose(walcore.ErrDamaged, 101, 103)
		}},
	})
}

func TestDamagedIndex(t *testing.T) {
	runCases(t, []damageCase{
		{"first slot, up", "alpha", oneSlot(0, fixture.Index, 500, walcore.KindOrder)},
		{"first slot, beyond the log", "alpha", oneSlot(0, fixture.Index, 5000, walcore.KindOrder)},
		{"first slot, down", "highstart", oneSlot(0, fixture.Index, 5, walcore.KindOrder)},
		{"middle slot, up", "alpha", inside(100, fixture.Index, 103, walcore.KindOrder)},
		{"middle slot, down", "alpha", inside(100, fixture.Index, 1, walcore.KindOrder)},
		{"middle slot, beyond the log", "alpha", inside(100, fixture.Index, 1000, walcore.KindOrder)},
		{"middle slot, as the one before", "alpha", inside(100, fixture.Index, 100, walcore.KindOrder)},
		{"middle slot, as the one behind", "alpha", inside(100, fixture.Index, 102, walcore.KindOrder)},
		{"below the snapshot", "bigsnap", inside(8, fixture.Index, 12, walcore.KindOrder)},
		{"2^63", "alpha", inside(100, fixture.Index, 1<<63, walcore.KindRange)},
		{"the highest", "alpha", inside(100, fixture.Index, math.MaxUint64, walcore.KindRange)},
		{"beyond what a node gets to", "alpha", inside(100, fixture.Index, walcore.MaxNumber+1, walcore.KindRange)},
		{"last slot, up", "alpha", func(d *damaged) {
			oneSlot(974, fixture.Index, 980, walcore.KindOrder)(d)
			d.noCommit(975)
		}},
		{"last slot, down", "alpha", func(d *damaged) {
			oneSlot(974, fixture.Index, 5, walcore.KindOrder)(d)
			d.noCommit(975)
		}},
		{"two exchanged", "alpha", func(d *damaged) {
			d.Swap(100, 101, fixture.Index)
			d.about(walcore.KindOrder, 100, 2)
			d.noIndex(102, 101)
			d.lose(walcore.ErrDamaged, 101, 102)
		}},
		{"two far apart exchanged", "alpha", func(d *damaged) {
			d.Swap(100, 500, fixture.Index)
			d.about(walcore.KindOrder, 100, 1)
			d.about(walcore.KindOrder, 500, 1)
			d.noIndex(101, 101)
			d.noIndex(501, 501)
			d.lose(walcore.ErrDamaged, 101, 101)
			d.lose(walcore.ErrDamaged, 501, 501)
		}},
		{"zero ends the file", "alpha", func(d *damaged) {
			d.Set(100, fixture.Index, 0)
			d.about(walcore.KindLeftover, 101, 874)
			d.lose(walcore.ErrNoEntry, 101, 975)
			d.noCommit(975)
		}},
		{"leftovers behind the end", "alpha", func(d *damaged) {
			d.Set(2000, fixture.Index, 7)
			d.Set(29999, fixture.Index, 9)
			d.about(walcore.KindLeftover, 2000, 1)
			d.about(walcore.KindLeftover, 29999, 1)
		}},
	})
}

func TestDamagedTerm(t *testing.T) {
	// Slot 111 is the last of a sector of 16.
	runCases(t, []damageCase{
		{"goes down", "alpha", oneSlot(100, fixture.Term, 1, walcore.KindTerm)},
		{"goes down to nothing", "alpha", oneSlot(100, fixture.Term, 0, walcore.KindTerm)},
		{"goes down in the last slot", "alpha", func(d *damaged) {
			oneSlot(974, fixture.Term, 1, walcore.KindTerm)(d)
			d.noCommit(975)
		}},
		{"goes up", "alpha", oneSlot(100, fixture.Term, 7, walcore.KindTerm)},
		{"goes up in the first slot", "alpha", oneSlot(0, fixture.Term, 7, walcore.KindTerm)},
		{"goes up at a sector's end", "alpha", oneSlot(111, fixture.Term, 7, walcore.KindTerm)},
		{"goes up to one that was", "rewritten", oneSlot(100, fixture.Term, 5, walcore.KindTerm)},
		{"2^63", "alpha", inside(100, fixture.Term, 1<<63, walcore.KindRange)},
		{"the highest", "alpha", inside(100, fixture.Term, math.MaxUint64, walcore.KindRange)},
		{"a rewrite that reached the disk in part", "rewritten", rewrittenInPart(102)},
		{"a rewrite of one entry", "rewritten", rewrittenInPart(111)},
	})
}

// rewrittenInPart gives the slots up to a sector's end a new term, as a rewrite
// does whose later sectors never reached the disk: what is behind is stale.
func rewrittenInPart(from int) func(*damaged) {
	return func(d *damaged) {
		const end = 112
		for slot := from; slot < end; slot++ {
			d.Set(slot, fixture.Term, 5)
			e := d.want[uint64(slot+1)]
			e.Term = 5
			d.want[uint64(slot+1)] = e
		}
		old := end
		for d.Get(old, fixture.Term) < 5 {
			old++
		}
		d.about(walcore.KindTerm, end, old-end)
		d.lose(walcore.ErrDamaged, end+1, uint64(old))
	}
}

func TestUnknownType(t *testing.T) {
	for _, typ := range []uint64{3, 7, math.MaxInt32, math.MaxUint32} {
		d := damage(t, "alpha")
		d.Set(100, fixture.Type, typ)
		e := d.want[101]
		e.Type = int32(uint32(typ))
		d.want[101] = e
		d.about(walcore.KindType, 100, 1)
		d.check()
	}
}

func TestWrongChecksum(t *testing.T) {
	d := damage(t, "rewritten")
	d.Set(100, fixture.Type, 0xdeadbeef<<32|d.Get(100, fixture.Type))
	r := open(t, d.dir, nil)
	for e := range r.Entries(0) {
		if _, err := e.Data(); e.Index == 101 != errors.Is(err, walcore.ErrDamaged) {
			t.Errorf("entry %d: %v", e.Index, err)
		}
	}
}
