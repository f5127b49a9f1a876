package format

import (
	"errors"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
)

func TestLeftFull(t *testing.T) {
	const confChange = raftpb.EntryType_EntryConfChange
	type entry struct {
		room   int64
		length uint32
		slot   Slot
	}
	full, emptied := entry{room: 9, length: 9}, entry{room: 9}
	damaged := entry{room: 9, length: 8}
	many := make([]entry, 100)
	for i := range many {
		many[i] = damaged
	}
	for _, test := range []struct {
		name    string
		entries []entry
		want    bool
	}{
		{"no entry", nil, false},
		{"not emptied", []entry{full, full}, true},
		{"emptied", []entry{emptied, emptied}, false},
		{"emptied in part", []entry{emptied, full}, true},
		{"the last one counts", []entry{full, emptied}, false},
		{"one without data tells nothing", []entry{full, {}}, true},
		{"nor does one whose room is not known", []entry{full, {room: -5}}, true},
		{"nor a conf change", []entry{emptied, {room: 9, length: 9, slot: Slot{Type: confChange}}}, false},
		{"nor one with a checksum", []entry{emptied, {room: 9, length: 9, slot: Slot{Sum: 1}}}, false},
		{"nor a damaged one", []entry{full, damaged}, true},
		{"nothing but damage", append([]entry{full}, many...), false},
	} {
		reads := 0
		got, err := LeftFull(len(test.entries), func(i int) (Slot, int64) { return test.entries[i].slot, test.entries[i].room },
			func(i int) (uint32, error) { reads++; return test.entries[i].length, nil })
		if got != test.want || err != nil || reads > maxProbes {
			t.Errorf("%s: %t, %v, %d reads, want %t", test.name, got, err, reads, test.want)
		}
	}
	errDisk := errors.New("EIO")
	if _, err := LeftFull(1, func(int) (Slot, int64) { return Slot{}, 1 }, func(int) (uint32, error) { return 0, errDisk }); err != errDisk {
		t.Errorf("got %v, want %v", err, errDisk)
	}
}
