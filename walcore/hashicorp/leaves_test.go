package hashicorp

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
)

// usualEntry is an entry as raft-boltdb writes it.
func usualEntry(t testing.TB, index, term uint64, data []byte) []byte {
	t.Helper()
	at, err := time.Unix(1700000000+int64(index), 0).UTC().MarshalBinary()
	fixture.Must(t, err)
	b := append([]byte("\x86\xaaAppendedAt\xaf"), at...)
	b = append(append(append(b, "\xa4Data\xd9"...), byte(len(data))), data...)
	b = append(b, "\xaaExtensions\xc0\xa5Index\xcd"...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(index)), "\xa4Term"...)
	return append(b, byte(term), 0xa4, 'T', 'y', 'p', 'e', 0)
}

// TestDamagedLeaves: many leaves are read side by side. Of those that are damaged, or have a
// key that their branch has for another one, all entries are lost, and no others.
func TestDamagedLeaves(t *testing.T) {
	const pageSize = 1024
	w := newBoltWriter(t, pageSize)
	for i := range 20_000 {
		w.append(1+uint64(i/7000), 100)
		if e := &w.entries[i]; i%3 > 0 {
			e.value = usualEntry(t, e.index, e.term, entryData(e.index, e.term, 100))
		}
	}
	if _, _, _, ok := usualSlot(w.entries[1].value); !ok {
		t.Fatalf("%x has not the usual form", w.entries[1].value)
	}
	w.commit()
	file := fixture.ReadFile(t, w.f.Name())
	le, be := binary.LittleEndian, binary.BigEndian
	lost, leaves, damaged := map[uint64]bool{}, 0, 0
	for at := 2 * pageSize; at < len(file); at += pageSize {
		page := file[at:][:pageSize]
		count := int(le.Uint16(page[10:]))
		if le.Uint16(page[8:]) != 2 || count < 2 {
			continue
		}
		key := func(i int) []byte { return page[16+16*i+int(le.Uint32(page[16+16*i+4:])):][:8] }
		if le.Uint32(page[16+8:]) != 8 || be.Uint64(key(0)) > 20_000 {
			continue // of another bucket
		}
		// Two side by side, and not the first one, by which it is found how deep leaves are.
		if leaves++; leaves%53 != 2 && leaves%53 != 3 {
			continue
		}
		damaged++
		for i := range count {
			lost[be.Uint64(key(i))] = true
		}
		if last := key(count - 1); leaves%2 == 0 {
			be.PutUint64(last, be.Uint64(last)+1)
		} else {
			page[0] ^= 1
		}
	}
	fixture.WriteFile(t, w.f.Name(), file)
	r := open(t, w.dir())
	next := uint64(1)
	for e := range r.Entries(0) {
		for ; lost[next]; next++ {
		}
		if e.Index != next {
			t.Fatalf("entry %d, want %d", e.Index, next)
		}
		w.isRight(e, w.entries[next-1].term)
		next++
	}
	if leaves < 2000 || damaged < 40 || len(r.Problems()) != damaged || next < 19_000 {
		t.Errorf("%d leaves, %d are damaged: %d problems, the last entry is %d", leaves, damaged, len(r.Problems()), next-1)
	}
}
