//go:build linux

package mutate

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// poke is a field of a directory with another value.
type poke struct {
	field, value string
	edits        []Edit
}

// values are what a field becomes. another is the same field of another slot or file.
var values = []struct {
	name string
	make func(b, another []byte)
}{
	{"0", func(b, _ []byte) { clear(b) }},
	{"1", func(b, _ []byte) { clear(b); b[len(b)-1] = 1 }},
	{"all ones", func(b, _ []byte) {
		for i := range b {
			b[i] = 0xff
		}
	}},
	{"lowest bit", func(b, _ []byte) { b[len(b)-1] ^= 1 }},
	{"highest bit", func(b, _ []byte) { b[0] ^= 0x80 }},
	{"another's", func(b, another []byte) { copy(b, another) }},
}

// pokes gives each value to each field: in the first, the middle and the last slot of the
// first, the middle and the last log file, in their headers, and in wal.meta.
func (b *Base) pokes() (all []poke) {
	add := func(field, file string, at, n int64, another []byte) {
		for _, v := range values {
			all = append(all, poke{field, v.name, b.write(file, at, n, func(p []byte) { v.make(p, another) })})
		}
	}
	ends := func(n int) []int { return slices.Compact([]int{0, n / 2, n - 1}) }
	for _, i := range ends(len(b.layout.files)) {
		f := b.layout.files[i]
		for _, k := range ends(len(f.slots)) {
			other := (k + 1) % len(f.slots)
			for _, s := range slotFields {
				add("slot "+s.name, f.name, int64(k)*slotSize+s.at, s.n, f.image.bytes(int64(other)*slotSize+s.at, s.n))
			}
			add("length", f.name, int64(f.slots[k].offset), lengthSize, binary.BigEndian.AppendUint32(nil, f.slots[other].length))
		}
		other := b.layout.files[(i+1)%len(b.layout.files)]
		for _, h := range headerFields {
			add(h.name, f.name, keyHeaderAt+h.at, h.n, other.image.bytes(keyHeaderAt+h.at, h.n))
		}
	}
	for _, m := range metaPlaces {
		add(m.name, metaName, m.at, m.n, b.images[metaName].bytes(snapshotIndexAt, m.n))
	}
	return all
}

// metaPlaces are the fields of wal.meta. The hard state is written with all three of its
// numbers, each of one byte here, behind one that says which it is.
var metaPlaces = []field{
	{"raft id", 0, 8}, {"group id", 8, 8}, {"checkpoint", checkpointAt, 8}, {"note's index", noteAt, 8}, {"note's term", noteAt + 8, 8},
	{"hard state's length", hardStateAt, 4}, {"term's tag", hardStateAt + 4, 1}, {"term", hardStateAt + 5, 1},
	{"vote's tag", hardStateAt + 6, 1}, {"vote", hardStateAt + 7, 1}, {"commit's tag", hardStateAt + 8, 1}, {"commit", hardStateAt + 9, 1},
	{"snapshot index", snapshotIndexAt, 8}, {"snapshot term", snapshotTermAt, 8}, {"snapshot's length", snapshotAt, 4},
}

// unseen are the values that nothing in the format shows to be wrong, in some places. Each
// other has to be reported.
var unseen = []struct{ field, values, why string }{
	{"slot term", "0, 1, lowest bit, another's", "terms still go up, and what is below the snapshot has none to compare with; a checksum tells"},
	{"slot index", "0", "the last entry above the commit index: it was not acknowledged, and could be gone"},
	{"slot type", "1, lowest bit", "another of Raft's types; a checksum tells"},
	{"slot checksum", "0", "an entry without one"},
	{"length", "0, 1, lowest bit, another's", "the last one of the current file, or one that emptying has left; a checksum tells"},
	{"key id", "1, lowest bit, another's", "another data key of the registry, whose checksum is of what is encrypted"},
	{"base IV", "1, all ones, lowest bit, highest bit, another's", "eight random bytes"},
	{"raft id", "any", "the directory says it once"},
	{"group id", "any", "the directory says it once"},
	{"checkpoint", "0, 1, lowest bit, another's", "not above the commit index"},
	{"note's index", "any", "a writer takes the note where the log has an entry of that index and term, and only then"},
	{"note's term", "any", "the same"},
	{"term", "lowest bit", "above the last entry's: the node has voted since"},
	{"vote", "any", "it says once whom the node has voted for"},
	{"commit", "lowest bit", "within the log, and above the checkpoint"},
}

// TestEveryField: whatever value a field gets, nothing panics, no wrong entry is given
// without a problem, and a problem tells of the value, if it is not among unseen.
func TestEveryField(t *testing.T) {
	fixture.NotForRace(t)
	n := 0
	for _, b := range Bases(t, "plain", "snapshot", "encrypted", "encrypted snapshot", "checksums", "encrypted checksums") {
		w, err := NewBench(b, filepath.Join(t.TempDir(), "w"))
		fixture.Must(t, err)
		for _, p := range b.pokes() {
			// The stride has no divisor in common with the number of values.
			if n++; n%fixture.Size(17, 1) == 0 {
				w.checkPoke(t, p)
			}
		}
	}
}

func (w *Bench) checkPoke(t *testing.T, p poke) {
	t.Helper()
	o, err := w.make(p.edits, false)
	fixture.Must(t, err)
	if o == nil {
		return // it had that value
	}
	what := fmt.Sprintf("%s: %s becomes %s: %v", w.Name, p.field, p.value, p.edits)
	for _, f := range o.findings {
		if f.what != failWrong && f.what != failServed || !o.reported {
			t.Errorf("%s\n%s: %s", what, f.what, f.detail)
		}
	}
	known := slices.ContainsFunc(unseen, func(u struct{ field, values, why string }) bool {
		return u.field == p.field && (u.values == "any" || slices.Contains(strings.Split(u.values, ", "), p.value))
	})
	if !o.reported && !known {
		t.Errorf("%s\nnothing is reported", what)
	}
}
