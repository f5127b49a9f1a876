//go:build linux

package repair

import (
	"fmt"
	"io"
	"log"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

var discard = log.New(io.Discard, "", 0)

// slotDamages are ways to damage a slot, or its payload's length. Each is found
// wherever the slot is.
var slotDamages = []struct {
	name  string
	field fixture.Field // length: that of the payload
	bytes []byte
}{
	{"index", fixture.Index, uint64Bytes(1 << 40)},
	{"length", length, uint64Bytes(1<<64 - 1<<16)[:4]},
	{"offset", fixture.Offset, uint64Bytes(17)},
	{"index out of range", fixture.Index, uint64Bytes(1 << 60)},
	{"term out of range", fixture.Term, uint64Bytes(1 << 60)},
	{"type", fixture.Type, uint64Bytes(7)},
}

const length fixture.Field = -1

// TestDamagedSlot: whichever field of whichever slot is damaged, all before it is kept,
// and nothing else; of a slot that the snapshot stands for, all behind the snapshot is.
func TestDamagedSlot(t *testing.T) {
	for _, name := range fixture.All() {
		m, want := wanted(t, name)
		if len(want) == 0 {
			continue
		}
		dir := fixture.Dir(t, name)
		logs, err := filepath.Glob(filepath.Join(dir, "*.wal"))
		fixture.Must(t, err)
		damages := slotDamages[:fixture.Size(2, len(slotDamages))]
		if len(want) > 5000 || name == "bigdata" {
			damages = slotDamages[:1]
		}
		for _, path := range logs {
			n := fixture.Edit(t, path).Slots()
			slots := []int{0, n / 2, n - 1}
			if name == "bigdata" {
				slots = slots[1:2] // it takes long
			}
			for _, slot := range slots {
				for _, damage := range damages {
					what := fmt.Sprintf("%s %s slot %d %s", name, filepath.Base(path), slot, damage.name)
					t.Run(what, func(t *testing.T) {
						f := fixture.Edit(t, path)
						index := f.Get(slot, fixture.Index)
						at := int64(slot)*32 + int64(damage.field)
						if damage.field == length {
							at = int64(f.Get(slot, fixture.Offset))
						}
						was := f.Read(at, len(damage.bytes))
						f.Write(at, damage.bytes)
						defer f.Write(at, was)
						checkDamaged(t, dir, name, m, want, index)
					})
				}
			}
		}
	}
}

// checkDamaged checks the repair of a fixture whose entry at index is damaged.
func checkDamaged(t *testing.T, dir, name string, m *fixture.Manifest, want map[uint64]wantEntry, index uint64) {
	t.Helper()
	opts := Options{Key: fixture.Key(name)}
	snap := m.Meta.SnapshotIndex
	if snap == 0 && index == m.Entries[0].Index {
		refused(t, dir, opts, walcore.ErrDamaged)
		return
	}
	p := repaired(t, dir, opts, want)
	if p == nil {
		return
	}
	last := m.Meta.LastIndex
	if index > snap {
		last = index - 1
	}
	if p.Last != last {
		t.Errorf("the log ends at %d, want %d; left out %v", p.Last, last, p.LeftOut)
	}
	hs := m.Meta.HardState
	noHardState := hs.Term == 0 // a log that raftwal alone has written
	if lost := last < m.Meta.LastIndex-1 || last < hs.Commit || noHardState; p.Lost != lost {
		t.Errorf("lost is %v, want %v: %v", p.Lost, lost, p.Remarks)
	}
	if st := p.State; st.Term != hs.Term && hs.Term > 0 || st.Commit != max(min(hs.Commit, last), snap) ||
		st.RaftID != m.Meta.RaftID || st.GroupID != m.Meta.GroupID {
		t.Errorf("state %+v, want that of %+v", st, m.Meta)
	}
}

func uint64Bytes(n uint64) []byte {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(n >> (56 - 8*i))
	}
	return b
}
