package etcd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/walfs/walfs/test/etcdlog"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// dataOf is an entry of one of the tests' logs: all are of one size.
func dataOf(term, index uint64) string {
	return fmt.Sprintf("term %d index %04d%0100d", term, index, term)
}

// writeTerm writes a log of n entries of a term, by the node of that number.
func writeTerm(t *testing.T, term uint64, n int, segmentSize int64) (dir string, w *etcdlog.Writer) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "etcd")
	w, err := etcdlog.Create(dir, etcdlog.Options{Node: term, SegmentSize: segmentSize})
	fixture.Must(t, err)
	t.Cleanup(func() { w.Close() })
	for i := range uint64(n) {
		fixture.Must(t, w.Append(etcdlog.Entry{Term: term, Index: i + 1, Data: []byte(dataOf(term, i+1))}))
	}
	fixture.Must(t, w.State(term, term, uint64(n)))
	return dir, w
}

// wantOwnBytes checks that all entries of a reader have the bytes that they were listed with,
// or fail because they have others.
func wantOwnBytes(t *testing.T, r *Reader) (read int) {
	t.Helper()
	for e := range r.Entries(0) {
		data, err := e.Data()
		switch {
		case err == nil && string(data) != dataOf(e.Term, e.Index):
			t.Fatalf("entry %d of term %d is %q", e.Index, e.Term, data)
		case err == nil:
			read++
		case !errors.Is(err, walcore.ErrChanged):
			t.Fatalf("entry %d of term %d: %v", e.Index, e.Term, err)
		}
	}
	return read
}

// TestWrittenAnew: segments that are written anew in their place, as rsync --inplace or a
// restore does it, have the other log's entries from then on, and are not called damaged.
// Meanwhile, no entry has another one's bytes.
func TestWrittenAnew(t *testing.T) {
	for _, test := range []struct {
		name        string
		was, is     int // how many entries
		segmentSize int64
		keepTime    bool
	}{
		{name: "as long", was: 50, is: 50, segmentSize: 1 << 15},
		{name: "as long, with the old time", was: 50, is: 50, segmentSize: 1 << 15, keepTime: true},
		{name: "longer", was: 50, is: 51, segmentSize: 1 << 15},
		{name: "much longer", was: 50, is: 150, segmentSize: 1 << 15},
		{name: "shorter", was: 50, is: 20, segmentSize: 1 << 15},
		{name: "many as long", was: 90, is: 90, segmentSize: 4096},
		{name: "many longer", was: 90, is: 110, segmentSize: 4096},
		{name: "many shorter", was: 90, is: 40, segmentSize: 4096},
	} {
		for _, steps := range []int{1, 7} {
			t.Run(fmt.Sprintf("%s in %d", test.name, steps), func(t *testing.T) {
				dir, _ := writeTerm(t, 2, test.was, test.segmentSize)
				other, _ := writeTerm(t, 3, test.is, test.segmentSize)
				first := settled(t, open(t, dir))
				if wantOwnBytes(t, first) != test.was {
					t.Fatal("the log cannot be read")
				}
				r, files := first, segmentFiles(t, other)
				for _, old := range segmentFiles(t, dir) {
					if !slices.ContainsFunc(files, func(name string) bool { return filepath.Base(name) == filepath.Base(old) }) {
						fixture.Must(t, os.Remove(old))
					}
				}
				for _, name := range files {
					b, to := fixture.ReadFile(t, name), filepath.Join(dir, "member/wal", filepath.Base(name))
					was, err := os.Stat(to)
					if err != nil {
						fixture.WriteFile(t, to, b)
						continue
					}
					for step := range steps {
						from, end := len(b)*step/steps, len(b)*(step+1)/steps
						fixture.Edit(t, to).Write(int64(from), b[from:end])
						if r = refresh(t, r); steps > 1 { // who reads an entry notices, too
							wantOwnBytes(t, first)
							wantOwnBytes(t, r)
						}
					}
					fixture.Edit(t, to).Truncate(int64(len(b)))
					if test.keepTime {
						fixture.Must(t, os.Chtimes(to, time.Time{}, was.ModTime()))
					}
				}
				r = refresh(t, r)
				if last, known := r.LastIndex(); last != uint64(test.is) || !known || len(r.Problems()) > 0 {
					t.Fatalf("the log ends with %d, %v, want %d; %v", last, known, test.is, r.Problems())
				}
				if n := wantOwnBytes(t, r); n != test.is || r.Meta().HardState.Term != 3 {
					t.Errorf("%d entries can be read, want %d; %+v", n, test.is, r.Meta().HardState)
				}
				wantUnchanged(t, r, first, 1, 0)
				if n := wantOwnBytes(t, first); n > 0 {
					t.Errorf("%d entries of the log that was there are read", n)
				}
			})
		}
	}
}

// TestOtherBytesAreReadAgain: whoever reads an entry that has other bytes has the segment read
// again, though no time tells of it.
func TestOtherBytesAreReadAgain(t *testing.T) {
	dir, w := writeTerm(t, 2, 50, 1<<15)
	r := settled(t, open(t, dir))
	e, err := r.Entry(30)
	fixture.Must(t, err)
	was, err := os.Stat(w.Path())
	fixture.Must(t, err)
	fixture.Edit(t, w.Path()).Write(int64(e.Offset)+40, []byte{0})
	fixture.Must(t, os.Chtimes(w.Path(), time.Time{}, was.ModTime()))
	r = settled(t, r)
	if _, err := e.Data(); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("another byte, and %v", err)
	}
	if n := walcore.Count(refresh(t, r)); n != 29 {
		t.Errorf("then the log has %d entries, and 29 stand before that", n)
	}
}

// TestGrownIsReadOn: a segment that has got more records, or was cut where they end, is not
// read again.
func TestGrownIsReadOn(t *testing.T) {
	dir, w := writeTerm(t, 2, 50, 4096)
	r := open(t, dir)
	for i := uint64(51); i < 150; i++ {
		fixture.Must(t, w.Append(etcdlog.Entry{Term: 2, Index: i, Data: []byte(dataOf(2, i))}))
		next := refresh(t, r)
		for k, l := range r.files {
			if next.files[k].of != l.of {
				t.Fatalf("with entry %d, %s is read again", i, l.Name)
			}
		}
		r = next
	}
}

// TestImageOfWrittenAnew: an image's segment that is written anew cannot be read any more, and
// has nothing in common with that of a later one.
func TestImageOfWrittenAnew(t *testing.T) {
	dir, w := writeTerm(t, 2, 50, 1<<15)
	_, other := writeTerm(t, 3, 50, 1<<15)
	applying(t, dir, 50, 0)
	r := settled(t, open(t, dir))
	files, err := r.Image()
	fixture.Must(t, err)
	segment := files[len(files)-1]
	if _, err := segment.ReadAt(make([]byte, 100), 0); err != nil {
		t.Fatal(err)
	}
	fixture.Edit(t, w.Path()).Write(0, fixture.ReadFile(t, other.Path()))
	if _, err := segment.ReadAt(make([]byte, 100), 0); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("another log's segment is read: %v", err)
	}
	later, err := refresh(t, r).Image()
	fixture.Must(t, err)
	if from, to := later[len(later)-1].ReaderAt.(walcore.Continued).Same(segment.ReaderAt); to > from {
		t.Errorf("%d to %d of two logs are the same", from, to)
	}
}

// TestOldSegmentIsWrittenTo: a node does not do that. Whoever does it, what the segment has now
// is read, though its last record is the same.
func TestOldSegmentIsWrittenTo(t *testing.T) {
	dir, _ := writeTerm(t, 2, 50, 4096)
	r := settled(t, open(t, dir))
	e, err := r.Entry(3)
	fixture.Must(t, err)
	file := fixture.Edit(t, segmentFiles(t, dir)[0])
	was := file.Read(int64(e.Offset)+40, 1)
	file.Write(int64(e.Offset)+40, []byte{0})
	damaged := refresh(t, r)
	if err := damaged.Gap(3, 3); !errors.Is(err, walcore.ErrDamaged) {
		t.Errorf("entry 3 was damaged: %v", err)
	}
	file.Write(int64(e.Offset)+40, was)
	if r = refresh(t, damaged); wantOwnBytes(t, r) != 50 || len(r.Problems()) > 0 {
		t.Errorf("what was mended is damaged: %v", r.Problems())
	}
}
