//go:build unix

package dgraph

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/test/raftdir"
)

// TestReplacedSlots: a power loss has let some sectors of the slot table get to the disk
// when a new leader's entries replaced others, and not the rest.
func TestReplacedSlots(t *testing.T) {
	fixture.NotForRace(t)
	for _, key := range []string{"", "0123456789abcdef"} {
		w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Key: []byte(key), Data: nativelog.Mutation})
		w.Append(48)
		name := filepath.Join(w.Dir(), "00001.wal")
		table := fixture.Edit(t, name).Read(0, 48*32)
		old := payloadsFrom(t, openLog(t, w, key), 1)
		w.Rewind(10)
		w.Append(6)
		w.CommitTo(16)
		end := endOf(t, openLog(t, w, key))
		w.Close()
		f := fixture.Edit(t, name)
		f.Write(16*32, table[16*32:]) // the second and the third sector are as they were
		r := openLog(t, w, key)
		index := uint64(17)
		for payloadOf(f, int(index)-1) <= end {
			index++
		}
		for e := range r.Replaced(0) {
			data, err := e.Data()
			if err != nil || e.Index != index || e.Term != 1 || !bytes.Equal(data, old[index-1].data) {
				t.Fatalf("entry %d of term %d, %x, %v: want entry %d", e.Index, e.Term, data, err, index)
			}
			index++
		}
		if index != 49 {
			t.Errorf("they end before %d", index)
		}
		// Of those before them, whose slots are gone, only payloads are left.
		wantRemains(t, r, behind(old[:16], end))
	}
}

// TestReplacedFile: the removal of a later file has not got to the disk.
func TestReplacedFile(t *testing.T) {
	fixture.NotForRace(t)
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 20, Data: nativelog.Mutation})
	w.Append(50)
	old := payloadsFrom(t, openLog(t, w, ""), 21)
	name := filepath.Join(w.Dir(), "00002.wal")
	file, err := os.ReadFile(name)
	fixture.Must(t, err)
	w.Rewind(10)
	w.Append(5)
	w.CommitTo(15)
	w.Close()
	fixture.Must(t, os.WriteFile(name, file, 0o600))
	r := openLog(t, w, "")
	n := 0
	for e := range r.Replaced(0) {
		data, err := e.Data()
		if err != nil || e.Index != uint64(21+n) || e.Term != 1 || !bytes.Equal(data, old[n].data) {
			t.Fatalf("entry %d of term %d, %x, %v", e.Index, e.Term, data, err)
		}
		n++
	}
	if n != 20 {
		t.Errorf("%d entries", n)
	}
	for range r.Replaced(30) {
		n--
	}
	if n != 9 {
		t.Errorf("%d entries are not below 30", n)
	}
}

// TestReplacedSlotsWithChecksum: one whose payload is damaged is not shown.
func TestReplacedSlotsWithChecksum(t *testing.T) {
	fixture.NotForRace(t)
	l := newOurLog(t, WriterOptions{Checksums: true})
	l.save(1, 1, 40, false)
	f := l.file()
	table := f.Read(0, 40*32)
	l.save(2, 11, 6, false)
	f.Write(16*32, table[16*32:])
	f.Write(payloadOf(f, 30)+20, []byte{0xff})
	shown := map[uint64]bool{}
	for e := range l.open().Replaced(0) {
		data, err := e.Data()
		if err != nil || e.Term != 1 || !bytes.Equal(data, nativelog.Mutation(e.Index, 1)) {
			t.Errorf("entry %d of term %d: %x, %v", e.Index, e.Term, data, err)
		}
		shown[e.Index] = true
	}
	if !shown[30] || shown[31] || !shown[32] || !shown[40] {
		t.Errorf("shown are %v", shown)
	}
}
