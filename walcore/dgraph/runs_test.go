package dgraph

import (
	"testing"

	"github.com/walfs/walfs/walcore/format"
)

// TestLoneSlot: a slot whose index does not go together with that before is an entry only
// where it is as far from others as its index.
func TestLoneSlot(t *testing.T) {
	for _, test := range []struct {
		name  string
		files [][]uint64 // indexes
		want  []int      // how many of each file's slots are entries
	}{
		{"as far behind as its slot", [][]uint64{{1, 2, 3, 99, 5}}, []int{4}},
		{"not as far", [][]uint64{{1, 2, 3, 99, 6}}, []int{3}},
		{"before the file behind", [][]uint64{{1, 2, 90, 90, 5}, {6, 7}}, []int{3, 2}},
		{"the last index, one slot before the last", [][]uint64{{1, 2, 3, 5, 9}, {6, 7}}, []int{3, 2}},
		{"behind the file before", [][]uint64{{1, 2}, {3, 90, 90}}, []int{2, 1}},
		{"behind it, and behind a slot that is none", [][]uint64{{1, 2, 3}, {1 << 62, 5}}, []int{3, 1}},
		{"behind it, as if that one were not there", [][]uint64{{1, 2, 3}, {1 << 62, 4}}, []int{3, 0}},
	} {
		var in []slotFile
		for i, indexes := range test.files {
			raw := make([]byte, len(indexes)*format.SlotSize)
			for k, index := range indexes {
				format.EncodeSlot(raw[k*format.SlotSize:], format.Slot{Term: 1, Index: index, Offset: format.PayloadAt})
			}
			id := uint64(i + 1)
			in = append(in, slotFile{id: id, name: format.FileName(id), size: format.PayloadAt + 1000, slotTable: packTable(raw)})
		}
		for place, found := range orderLog(in, nil, 0, 0, 1).found {
			n := 0
			for range found.from(0) {
				n++
			}
			if n != test.want[place] {
				t.Errorf("%s: file %d has %d entries, want %d: %v", test.name, place+1, n, test.want[place], found.problems.list)
			}
		}
	}
}
