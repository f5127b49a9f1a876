package etcd

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/etcdlog"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// wantRight checks that a damaged directory gives no entry but those of the sound one, and
// says of all that it does not give, up to the last one, that it is damaged.
func wantRight(t *testing.T, r *Reader, m *fixture.OtherManifest) (entries int) {
	t.Helper()
	next := m.List[0].Index
	missing := func(to uint64) {
		if next < to {
			if err := r.Gap(next, to-1); !errors.Is(err, walcore.ErrDamaged) {
				t.Errorf("entries %d to %d are missing: %v", next, to-1, err)
			}
		}
	}
	for e := range r.Entries(0) {
		if k := int(e.Index - m.List[0].Index); k < 0 || k >= len(m.List) {
			t.Fatalf("entry %d was never written", e.Index)
		} else {
			wantEntry(t, e, m.List[k])
		}
		missing(e.Index)
		next = e.Index + 1
		entries++
	}
	return entries
}

// kinds lists the problems of a directory.
func kinds(r *Reader) string {
	var list []string
	for _, p := range r.Problems() {
		list = append(list, string(p.Kind))
	}
	return strings.Join(list, " ")
}

func small(t *testing.T) (dir, segment string, m *fixture.OtherManifest, sound []byte, end int64) {
	t.Helper()
	dir = fixture.Dir(t, "etcd-small")
	segment = segmentFiles(t, dir)[0]
	r := open(t, dir)
	return dir, segment, fixture.ReadOther(t, "etcd-small"), fixture.ReadFile(t, segment), r.files[0].end
}

// TestCut: a segment that is cut anywhere gives the entries before that.
func TestCut(t *testing.T) {
	dir, segment, m, sound, end := small(t)
	for size := end; size > max(end-fixture.Size(int64(400), 2000), 0); size -= 7 {
		fixture.WriteFile(t, segment, sound[:size])
		r := open(t, dir)
		n := wantRight(t, r, m)
		last, known := r.LastIndex()
		if !known || last != uint64(n) {
			t.Fatalf("cut at %d: %d entries, the last one %d, %t", size, n, last, known)
		}
		// What is behind the last whole frame is nothing, or torn. The hard state goes with it.
		at := r.files[0].end
		if got := strings.Contains(kinds(r), string(walcore.KindTorn)); got == allZero(sound[at:size]) {
			t.Fatalf("cut at %d, %d behind a frame: %s", size, size-at, kinds(r))
		}
		r.Close()
	}
}

// TestFlip: with any bit of the records changed, no entry has other bytes, and something is
// said.
func TestFlip(t *testing.T) {
	dir, segment, m, sound, end := small(t)
	step := fixture.Size(int64(149), 23)
	for at := int64(0); at < end; at += step {
		b := bytes.Clone(sound[:end+sectorSize])
		b[at] ^= 1 << (at % 8)
		fixture.WriteFile(t, segment, b)
		r := open(t, dir)
		n := wantRight(t, r, m)
		if hs := r.Meta().HardState; n == len(m.List) && hs != nil && *hs == walcore.HardState(m.HardState) {
			// Padding, and the number of padding bytes where that fits: nobody reads them.
			if header := at%8 == 7; !header && !r.isPadding(at) {
				t.Fatalf("byte %d is another one, and nothing is lost", at)
			}
		} else if len(r.Problems()) == 0 {
			t.Fatalf("byte %d: %d entries of %d, and no problem", at, n, len(m.List))
		}
		r.Close()
	}
}

// isPadding reports whether a byte of the first segment is between two records.
func (r *Reader) isPadding(at int64) bool {
	for from := int64(0); from < r.files[0].end; {
		var header [frameHeader]byte
		if readFull(r.files[0].file, header[:], from) != nil {
			return false
		}
		n, padding := frameSize(header[:])
		if from += frameHeader + n + padding; at < from {
			return at >= from-padding
		}
	}
	return false
}

// TestTorn: where sectors of what was written last are zero, the log ends before; where they
// hold something else, that is damage.
func TestTorn(t *testing.T) {
	for _, test := range []struct {
		name  string
		write func(b []byte, k int) // the last record's frame, and where a sector begins in it
		want  string
		known bool // the last index
	}{
		{"a sector is zero", func(b []byte, k int) { clear(b[k : k+512]) }, "torn_tail", true},
		{"its end is zero", func(b []byte, k int) { clear(b[k:]) }, "torn_tail", true},
		{"its beginning is zero", func(b []byte, k int) { clear(b[:k]) }, "torn_tail", true},
		{"a part of a sector is zero", func(b []byte, k int) { clear(b[k+30 : k+500]) }, "checksum", false},
		{"a bit is another one", func(b []byte, k int) { b[k+100] ^= 4 }, "checksum", false},
		{"its length is too much", func(b []byte, k int) { b[5] = 0x70 }, "torn_tail", true},
		{"its length is less", func(b []byte, k int) { b[1] = 0 }, "checksum", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, w := write(t, 10, 100, etcdlog.Options{SegmentSize: 1 << 16})
			end := w.End()
			b := w.Frames(etcdlog.Entry{Term: 2, Index: 11, Data: bytes.Repeat([]byte{7}, 3000)})
			test.write(b, int(sectorSize-end%sectorSize))
			f := fixture.Edit(t, w.Path())
			f.Write(end, b)
			r := open(t, dir)
			last, known := r.LastIndex()
			if kinds(r) != test.want || known != test.known || known && last != 10 || walcore.Count(r) != 10 {
				t.Errorf("%d entries, the last one %d (%t), want 10; problems %v", walcore.Count(r), last, known, r.Problems())
			}
			if p := r.Problems()[0]; p.Offset != uint64(end) || p.Slot != 10 {
				t.Errorf("the problem is at slot %d, offset %d, want 10, %d", p.Slot, p.Offset, end)
			}
			if known == (r.Meta().HardState == nil) {
				t.Errorf("hard state %v", r.Meta().HardState)
			}
		})
	}
}

// log6 makes a directory of six segments or so: 600 entries, later leaders replaced some.
func log6(t *testing.T, o etcdlog.Options) (dir string, m *fixture.OtherManifest) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "etcd")
	if o.SegmentSize == 0 {
		o.SegmentSize = 12 << 10
	}
	w, err := etcdlog.Create(dir, o)
	fixture.Must(t, err)
	defer w.Close()
	m = &fixture.OtherManifest{}
	index, term := uint64(1), uint64(1)
	for i := range 700 {
		if i%70 == 69 {
			term++
			index -= 10
			m.List = m.List[:index-1]
		}
		e := etcdlog.Entry{Term: term, Index: index, Data: fmt.Appendf(nil, "entry %d of node %d, record %d, and more than that", index, o.Node, i)}
		fixture.Must(t, w.Append(e))
		fixture.Must(t, w.State(term, 1, max(index, 20)-20))
		m.List = append(m.List, fixture.OtherEntry{Index: index, Term: term, Size: int64(len(e.Data)), Type: "EntryNormal", SHA256: sum(e.Data)})
		index++
	}
	return dir, m
}

// TestSegments: segments that are missing, have another one's name, or are another node's.
func TestSegments(t *testing.T) {
	for _, test := range []struct {
		name  string
		do    func(t *testing.T, dir string, s []string)
		want  string
		least int // entries that are left
	}{
		{"sound", func(*testing.T, string, []string) {}, "", 600},
		{"the first one is missing", func(t *testing.T, _ string, s []string) { fixture.Must(t, os.Remove(s[0])) }, "snapshot", 480},
		{"one is missing", func(t *testing.T, _ string, s []string) { fixture.Must(t, os.Remove(s[2])) }, "hole", 400},
		{"two are swapped", func(t *testing.T, _ string, s []string) { swap(t, s[2], s[3]) }, "out_of_order checksum", 300},
		{"two others are swapped", func(t *testing.T, _ string, s []string) { swap(t, s[1], s[4]) }, "out_of_order out_of_order", 300},
		{"one is there twice", func(t *testing.T, _ string, s []string) { fixture.WriteFile(t, s[3], fixture.ReadFile(t, s[2])) }, "out_of_order", 400},
		{"one is another node's", func(t *testing.T, dir string, s []string) {
			other, _ := log6(t, etcdlog.Options{Node: 77})
			fixture.WriteFile(t, s[2], fixture.ReadFile(t, segmentFiles(t, other)[2]))
		}, "conflict", 400},
		{"one is empty", func(t *testing.T, _ string, s []string) { fixture.Must(t, os.Truncate(s[2], 0)) }, "cut", 400},
		{"the last one is empty", func(t *testing.T, _ string, s []string) { fixture.Must(t, os.Truncate(s[len(s)-1], 0)) }, "cut", 400},
		{"one is cut", func(t *testing.T, _ string, s []string) { fixture.Must(t, os.Truncate(s[2], 5000)) }, "length", 400},
		{"one is cut between records", func(t *testing.T, dir string, s []string) {
			r := open(t, dir)
			fixture.Must(t, os.Truncate(s[2], int64(r.files[2].row(30).frame)*frameUnit))
		}, "checksum", 400},
		{"a bit in one is another one", func(t *testing.T, _ string, s []string) {
			f := fixture.Edit(t, s[2])
			f.Write(3000, []byte{f.Read(3000, 1)[0] ^ 1})
		}, "checksum", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, m := log6(t, etcdlog.Options{})
			if n := len(segmentFiles(t, dir)); n < 6 {
				t.Fatalf("%d segments", n)
			}
			test.do(t, dir, segmentFiles(t, dir))
			r := open(t, dir)
			if test.name == "the first one is missing" {
				m.List = m.List[r.begin()-1:]
			}
			n := wantRight(t, r, m)
			if n < test.least || kinds(r) != test.want {
				t.Errorf("%d entries of %d are left, want %d; problems %s, want %s", n, len(m.List), test.least, kinds(r), test.want)
			}
		})
	}
}

func swap(t *testing.T, a, b string) {
	t.Helper()
	x, y := fixture.ReadFile(t, a), fixture.ReadFile(t, b)
	fixture.WriteFile(t, a, y)
	fixture.WriteFile(t, b, x)
}

// TestSnapshots: which snapshots are shown, and which one is the log's.
func TestSnapshots(t *testing.T) {
	flip := func(t *testing.T, name string) {
		b := fixture.ReadFile(t, name)
		b[len(b)/2] ^= 1
		fixture.WriteFile(t, name, b)
	}
	for _, test := range []struct {
		name  string
		do    func(t *testing.T, w *etcdlog.Writer)
		whole []uint64
		is    uint64
		want  string
		first uint64 // 0: not known
	}{
		{"sound", func(*testing.T, *etcdlog.Writer) {}, []uint64{5, 8}, 8, "", 9},
		{"the newest one is damaged", func(t *testing.T, w *etcdlog.Writer) { flip(t, w.SnapshotPath(2, 8)) }, []uint64{5}, 5, "snapshot snapshot", 6},
		{"an old one is damaged", func(t *testing.T, w *etcdlog.Writer) { flip(t, w.SnapshotPath(2, 5)) }, []uint64{8}, 8, "snapshot", 9},
		{"an old one is gone", func(t *testing.T, w *etcdlog.Writer) { fixture.Must(t, os.Remove(w.SnapshotPath(2, 5))) }, []uint64{8}, 8, "", 9},
		{"all are gone", func(t *testing.T, w *etcdlog.Writer) {
			fixture.Must(t, os.Remove(w.SnapshotPath(2, 5)))
			fixture.Must(t, os.Remove(w.SnapshotPath(2, 8)))
		}, nil, 0, "snapshot", 0},
		{"one has another one's name", func(t *testing.T, w *etcdlog.Writer) {
			fixture.Must(t, os.Rename(w.SnapshotPath(2, 5), w.SnapshotPath(2, 8)))
		}, nil, 0, "snapshot snapshot", 0},
		{"no record names one", func(t *testing.T, w *etcdlog.Writer) {
			fixture.WriteFile(t, w.SnapshotPath(2, 9), etcdlog.SnapshotFile(2, 9, nil, 1))
		}, []uint64{5, 8, 9}, 8, "", 9},
		{"one is not committed", func(t *testing.T, w *etcdlog.Writer) { fixture.Must(t, w.Snapshot(2, 30, nil, 1)) }, []uint64{5, 8, 30}, 8, "", 9},
		{"one is empty", func(t *testing.T, w *etcdlog.Writer) { fixture.WriteFile(t, w.SnapshotPath(2, 8), nil) }, []uint64{5}, 5, "snapshot snapshot", 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, w := write(t, 20, 30, etcdlog.Options{SegmentSize: 1 << 16})
			fixture.Must(t, w.State(2, 1, 20))
			for _, index := range []uint64{5, 8} {
				fixture.Must(t, w.Snapshot(2, index, []byte("the state"), 1, 2, 3))
			}
			test.do(t, w)
			r := open(t, dir)
			var whole []uint64
			for _, s := range r.Meta().Snapshots {
				whole = append(whole, s.Index)
			}
			is := uint64(0)
			if s := r.Meta().Snapshot; s != nil {
				is = s.Index
			}
			first, _ := r.FirstIndex()
			if !slices.Equal(whole, test.whole) || is != test.is || kinds(r) != test.want || first != test.first {
				t.Errorf("snapshots %d, the log's is %d, first index %d; problems %v", whole, is, first, r.Problems())
			}
		})
	}
}
