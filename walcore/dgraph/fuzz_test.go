package dgraph

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// seedFiles are the first slots and payloads of the fixtures' log files.
func seedFiles(f *testing.F, fn func(slots, payloads []byte)) {
	f.Helper()
	if len(fixture.Small) == 0 {
		f.Fatal("no seeds")
	}
	for _, name := range fixture.Small {
		h := fixture.ReadHead(f, name, 6)
		fn(h.Slots, h.Payloads)
	}
}

// FuzzLogFile damages two log files by a list of edits, since the fuzzer loses
// itself in a megabyte of table. What is listed is sound and read as it is on
// disk; what is not is reported.
func FuzzLogFile(f *testing.F) {
	type seed struct{ slots, payloads []byte }
	var seeds []seed
	seedFiles(f, func(slots, payloads []byte) { seeds = append(seeds, seed{slots, payloads}) })
	for i, s := range seeds {
		half := uint8(len(s.slots) / format.SlotSize / 2)
		f.Add(uint8(i), uint8(len(s.slots)/format.SlotSize), uint8(0), uint32(len(s.payloads)), uint64(0), uint64(0), []byte{})
		f.Add(uint8(i), half, half, uint32(len(s.payloads)), uint64(1), uint64(2), []byte{1, 8, 1, 2})
		f.Add(uint8(i), half, uint8(0), uint32(len(s.payloads)), uint64(0), uint64(0), []byte{1, 24, 0, 48}) // a checksum
		f.Add(uint8(i), half, uint8(0), uint32(len(s.payloads)), uint64(5), uint64(2), []byte{0x80, 32, 2, 1, 3, 16, 3, 9})
	}
	f.Fuzz(func(t *testing.T, which, end, begin uint8, size uint32, snapshot, hard uint64, edits []byte) {
		s := seeds[int(which)%len(seeds)]
		payloads := bytes.Clone(s.payloads)
		tables := [2][]byte{cutSlots(s.slots, 0, int(end)), cutSlots(s.slots, int(begin), 255)}
		for ; len(edits) >= 4; edits = edits[4:] {
			edit(tables[edits[0]>>7], payloads, edits[0]&0x7f, edits[1], edits[2], edits[3])
		}
		r := reading{Reader: &Reader{look: look{follower: &follower{}, keys: &keyRing{},
			meta: &meta.Meta{SnapshotIndex: &snapshot, HardState: &raftpb.HardState{Term: &hard}}}}}
		var logs []tableFile
		var slots []slotFile
		for i, raw := range tables {
			id := uint64(i + 1)
			attr := walcore.Attr{Size: format.PayloadAt + int64(size%(1<<20)), Inode: id, Regular: true}
			file := &listedFile{&fixture.Sparse{Size: attr.Size, Parts: []fixture.Part{{At: 0, Bytes: raw}, {At: format.PayloadAt, Bytes: payloads}}}, attr}
			table, err := readTable(file, attr.Size)
			fixture.Must(t, err)
			slots = append(slots, slotFile{id: id, name: format.FileName(id), size: attr.Size, slotTable: table})
			logs = append(logs, tableFile{slotFile: slots[i], attr: attr, f: file, identity: id})
		}
		if !reflect.DeepEqual(orderLog(slots, nil, snapshot, 1, hard), orderLog(slots, nil, snapshot, 1, hard)) {
			t.Fatal("the same files are put in another order: something has changed what it was given")
		}
		checkFuzzedLog(t, r.orderLogFiles(logs), payloads[:min(len(payloads), int(size%(1<<20)))])
	})
}

func cutSlots(slots []byte, begin, end int) []byte {
	n := len(slots) / format.SlotSize
	return bytes.Clone(slots[min(begin, n)*format.SlotSize : max(min(begin, n), min(end, n))*format.SlotSize])
}

// edit changes one number: a slot's field, or with field 4 its length.
func edit(slots, payloads []byte, slot, field, how, value uint8) {
	at := int(slot) * format.SlotSize
	if at+format.SlotSize > len(slots) {
		return
	}
	number := slots[at+int(field/8%4)*8:][:8]
	if field >= 32 {
		off := binary.BigEndian.Uint64(slots[at+16:]) - format.PayloadAt
		if off > uint64(len(payloads)) || off+8 > uint64(len(payloads)) {
			return
		}
		number = payloads[off:][:8]
	}
	n := binary.BigEndian.Uint64(number)
	switch how % 4 {
	case 0:
		n ^= 1 << (value % 64)
	case 1:
		n += uint64(value)
	case 2:
		n -= uint64(value)
	case 3:
		n = uint64(value)
	}
	binary.BigEndian.PutUint64(number, n)
}

func checkFuzzedLog(t *testing.T, l *log, payloads []byte) {
	listed := map[*walcore.File]map[int]bool{}
	var prev walcore.Entry
	for e := range l.Entries(0) {
		if e.Index <= prev.Index || e.Term < prev.Term || e.File == prev.File && e.Offset < prev.Offset+format.LengthSize+uint64(prev.Size) {
			t.Fatalf("%+v after %+v", e, prev)
		}
		again, err := l.Entry(e.Index)
		if err != nil || again != e {
			t.Fatalf("entry %d: %+v, %v; listed as %+v", e.Index, again, err, e)
		}
		want := make([]byte, e.Size)
		copy(want, payloads[min(int(e.Offset)-format.PayloadAt+format.LengthSize, len(payloads)):])
		in, slot, _ := findSlot(l.spans, e.Index)
		f := l.files[in].kept
		wrongSum := f.Sum(slot) != 0 && f.Sum(slot) != checksumOf(f.Slot(slot), want)
		data, err := e.Data()
		if wrongSum != errors.Is(err, walcore.ErrDamaged) || !wrongSum && (err != nil || !bytes.Equal(data, want)) {
			t.Fatalf("entry %d: %d bytes, %v, want %d", e.Index, len(data), err, len(want))
		}
		if listed[e.File] == nil {
			listed[e.File] = map[int]bool{}
		}
		listed[e.File][e.Slot] = true
		prev = e
	}
	var problems []walcore.Problem
	for _, f := range l.tables() {
		f.loadSizes()
		problems = append(problems, append(f.problems.all(), f.sizesProblems.all()...)...)
	}
	for _, f := range l.tables() {
		for i := range f.Len() {
			if !listed[f.File][i] && len(problems) < maxProblems && !covered(problems, f.Name, i) {
				t.Fatalf("%s slot %d, %+v, is neither listed nor reported: %v", f.Name, i, f.Slot(i), problems)
			}
			if index := f.Slot(i).Index; !listed[f.File][i] {
				if e, err := l.Entry(index); err == nil && e.Slot == i && e.File == f.File ||
					err != nil && !errors.Is(err, walcore.ErrDamaged) && !errors.Is(err, walcore.ErrNoEntry) {
					t.Fatalf("entry %d: %+v, %v", index, e, err)
				}
			}
		}
	}
}

// checksumOf is the checksum of a slot and its payload.
func checksumOf(s format.Slot, payload []byte) uint32 {
	return format.Checksum(s, append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...))
}

// covered reports whether a problem says why a slot is not shown. The second of
// two slots that give an index different terms speaks for both.
func covered(problems []walcore.Problem, file string, slot int) bool {
	for _, p := range problems {
		if p.Kind == walcore.KindConflict || p.File == file && p.Kind != walcore.KindHole && p.Kind != walcore.KindType &&
			p.Slot <= slot && slot < p.Slot+max(p.Slots, 1) {
			return true
		}
	}
	return false
}

// FuzzLongestChain compares with trying every choice of runs.
func FuzzLongestChain(f *testing.F) {
	seedFiles(f, func(slots, _ []byte) {
		indexes := make([]byte, 0, len(slots)/format.SlotSize)
		for ; len(slots) > 0; slots = slots[format.SlotSize:] {
			indexes = append(indexes, byte(binary.BigEndian.Uint64(slots[8:])))
		}
		f.Add(indexes)
	})
	f.Add([]byte{1, 2, 9, 4, 5})
	f.Add([]byte{1, 2, 3, 10, 11, 12, 4, 5, 6})
	f.Add([]byte{5, 5, 4, 4, 3, 3, 6, 7})
	f.Fuzz(func(t *testing.T, indexes []byte) {
		runs := runsOf(len(indexes), func(i int) format.Slot { return format.Slot{Index: 1 + uint64(indexes[i])} })
		slots := 0
		for _, r := range runs {
			for i := range r.n {
				if 1+uint64(indexes[r.slot+i]) != r.index+uint64(i) {
					t.Fatalf("%v: run %+v", indexes, r)
				}
			}
			slots += r.n
		}
		if slots != len(indexes) {
			t.Fatalf("%v: %d slots in runs", indexes, slots)
		}
		if len(runs) > 12 {
			return
		}
		got := 0
		picked := longestChain(runs)
		for k, r := range picked {
			if k > 0 && (r.slot <= picked[k-1].slot || r.index <= picked[k-1].last()) {
				t.Fatalf("%v: picked %+v", indexes, picked)
			}
			got += r.n
		}
		if want := heaviest(runs, 0); got != want {
			t.Fatalf("%v: picked %d slots, %+v, want %d", indexes, got, picked, want)
		}
	})
}

// heaviest is the most slots in a chain of runs that begin behind last.
func heaviest(runs []run, last uint64) int {
	if len(runs) == 0 {
		return 0
	}
	best := heaviest(runs[1:], last)
	if r := runs[0]; r.index > last {
		best = max(best, r.n+heaviest(runs[1:], r.last()))
	}
	return best
}
