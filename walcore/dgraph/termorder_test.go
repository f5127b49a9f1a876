package dgraph

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/walcore/format"
)

// times gives n terms.
func times(term uint64, n int) []uint64 { return slices.Repeat([]uint64{term}, n) }

// TestTermOrder: which entries are dropped where terms go down. A sector has 16 slots.
func TestTermOrder(t *testing.T) {
	files := func(terms ...[]uint64) [][]uint64 { return terms }
	for _, test := range []struct {
		name  string
		hard  uint64
		files [][]uint64
		want  string // the indexes that are dropped, of which the first is 1
	}{
		{"they go up", 3, files([]uint64{1, 1, 2, 3}, []uint64{3, 3}), ""},
		{"one is too high", 3, files([]uint64{1, 1, 3, 1, 1, 2}), "3"},
		{"the first is", 3, files([]uint64{3, 1, 1, 1}), "1"},
		{"one is too low", 3, files([]uint64{2, 2, 2, 1, 2, 2}), "4"},
		{"one is too high or one too low", 3, files([]uint64{1, 1, 2, 1, 2, 2}), "3 4"},
		{"the last or the one before", 3, files([]uint64{1, 1, 2, 1}), "3 4"},
		{"the last one is too low", 3, files([]uint64{2, 2, 2, 1}), "4"},

		{"the rest from before a rewrite", 3, files(slices.Concat(times(1, 15), times(3, 1), times(1, 4))), "17 18 19 20"},
		{"and then from the rewrite", 3, files(slices.Concat(times(1, 15), times(3, 1), times(1, 16), times(3, 4))),
			"17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32"},
		{"not from a rewrite: its term comes in the midst of a sector", 3, files(slices.Concat(times(1, 15), times(3, 1), times(1, 4), times(3, 4))), "16"},
		{"one between: it is too low, or one is too high", 3, files(slices.Concat(times(1, 15), times(3, 1), times(1, 1), times(3, 4))), "16 17"},

		{"a file's last is too high", 3, files([]uint64{1, 1, 3}, []uint64{1, 1, 3, 3}), "3"},
		{"the one before it", 3, files([]uint64{1, 3, 1}, []uint64{1, 1, 2}), "2"},
		{"its term comes again two files behind", 3, files([]uint64{1, 1, 3}, []uint64{1, 1}, []uint64{3, 3}), "3"},
		{"files from before a rewrite", 3, files([]uint64{1, 1, 3}, []uint64{1, 1, 2}), "4 5 6"},
		{"the same, from which a later leader had more", 4, files([]uint64{1, 1, 3}, []uint64{1, 1, 4}), "4 5"},

		{"above the hard state's, at a sector's end", 3, files(slices.Concat(times(1, 15), times(7, 1), times(1, 4))), "16"},
		{"above it, at a file's end", 3, files([]uint64{1, 1, 7}, []uint64{1, 1}), "3"},
		{"two others, above it", 3, files([]uint64{1, 7, 9, 1, 1}), "2 3"},
		{"the hard state is older", 2, files(slices.Concat(times(1, 14), times(3, 2), times(1, 2))), "17 18"},
		{"it is too low", 1, files([]uint64{1, 2, 3, 3}), ""},
		{"it is not known", 0, files([]uint64{1, 7, 1, 1}), "2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var in []slotFile
			index := uint64(1)
			for i, terms := range test.files {
				raw := make([]byte, len(terms)*format.SlotSize)
				for k, term := range terms {
					format.EncodeSlot(raw[k*format.SlotSize:], format.Slot{Term: term, Index: index, Offset: format.PayloadAt})
					index++
				}
				id := uint64(i + 1)
				in = append(in, slotFile{id: id, name: format.FileName(id), size: format.PayloadAt + 1000, slotTable: packTable(raw)})
			}
			order := orderLog(in, nil, 0, 0, test.hard)
			var dropped []string
			for i, found := range order.found {
				reported := 0
				for _, p := range found.problems.list {
					reported += max(p.Slots, 1)
				}
				for k := range in[i].Len() {
					if found.isDropped(k) {
						dropped = append(dropped, fmt.Sprint(in[i].Index(k)))
						reported--
					}
				}
				if reported != 0 {
					t.Errorf("%s: %d problems more than slots are dropped: %v", in[i].name, reported, found.problems.list)
				}
			}
			if got := strings.Join(dropped, " "); got != test.want {
				t.Errorf("dropped %q, want %q", got, test.want)
			}
		})
	}
}

// BenchmarkOrderLog puts damaged logs in order, of two files and of eight: what an entry
// takes must not grow with the log.
func BenchmarkOrderLog(b *testing.B) {
	for _, bench := range []struct {
		name string
		slot func(k, n int) (index, term int)
	}{
		{"every fourth index is missing", func(k, n int) (int, int) { return k + k/3 + 1, 1 + k%2 }},
		{"terms that come again in the opposite order", func(k, n int) (int, int) {
			switch back := n - 1 - k; {
			case k < n/2 && k%16 == 15: // a sector's end
				return k + 1, n - k
			case k > n/2 && back%16 == 7:
				return k + 1, n - back - 8
			}
			return k + 1, 1
		}},
	} {
		for _, count := range []int{2, 8} {
			n := count * format.SlotsPerFile
			var files []slotFile
			raw := make([]byte, 0, n*format.SlotSize)
			for k := range n {
				index, term := bench.slot(k, n)
				raw = raw[:len(raw)+format.SlotSize]
				format.EncodeSlot(raw[len(raw)-format.SlotSize:], format.Slot{Term: uint64(term), Index: uint64(index), Offset: format.PayloadAt})
			}
			for i := range count {
				id := uint64(i + 1)
				files = append(files, slotFile{id: id, name: format.FileName(id), size: format.PayloadAt,
					slotTable: packTable(raw[i*format.SlotsPerFile*format.SlotSize:][:format.SlotsPerFile*format.SlotSize])})
			}
			b.Run(fmt.Sprintf("%s, %d files", bench.name, count), func(b *testing.B) {
				for b.Loop() {
					orderLog(files, nil, 0, 0, math.MaxInt64)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/slot")
			})
		}
	}
}
