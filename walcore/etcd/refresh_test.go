package etcd

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/etcdlog"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

func refresh(t *testing.T, r *Reader) *Reader {
	t.Helper()
	next, err := r.Refresh()
	fixture.Must(t, err)
	return next.(*Reader)
}

// settled waits until the times of a directory tell of any change.
func settled(t *testing.T, r *Reader) *Reader {
	t.Helper()
	for range 1000 {
		next := refresh(t, r)
		if next == r {
			return r
		}
		r = next
	}
	t.Fatal("the directory never comes to rest")
	return nil
}

func wantUnchanged(t *testing.T, now, before *Reader, first, last uint64) {
	t.Helper()
	if a, b := now.Unchanged(before); a != first || b != last {
		t.Errorf("unchanged are %d to %d, want %d to %d", a, b, first, last)
	}
}

// TestFollow: a directory that grows, begins segments, loses old ones, and gets snapshots.
// What was read once is not read again.
func TestFollow(t *testing.T) {
	dir, w := write(t, 100, 200, etcdlog.Options{SegmentSize: 1 << 14})
	r := settled(t, open(t, dir))
	if again := refresh(t, r); again != r {
		t.Fatal("another log, where nothing has changed")
	}
	index := uint64(101)
	add := func(term uint64, n int) {
		t.Helper()
		for range n {
			fixture.Must(t, w.Append(etcdlog.Entry{Term: term, Index: index, Data: fmt.Appendf(nil, "term %d index %d", term, index)}))
			index++
		}
	}
	add(2, 5)
	r1 := refresh(t, r)
	wantUnchanged(t, r1, r, 1, 100)
	if last, _ := r1.LastIndex(); last != 105 || walcore.Count(r1) != 105 || walcore.Count(r) != 100 {
		t.Fatalf("the log ends at %d with %d entries, before with %d", last, walcore.Count(r1), walcore.Count(r))
	}
	same := 0
	for i, f := range r.Files() {
		if f == r1.Files()[i] {
			same++
		}
	}
	if same != len(r.Files())-1 {
		t.Errorf("%d of %d files are the same, all but the last one should be", same, len(r.Files()))
	}

	index = 98
	add(3, 4)
	r2 := refresh(t, r1)
	wantUnchanged(t, r2, r1, 1, 97)
	if e, err := r2.Entry(98); err != nil || e.Term != 3 {
		t.Errorf("entry 98 is %+v, %v", e, err)
	}
	if _, err := r2.Entry(102); !errors.Is(err, walcore.ErrNoEntry) {
		t.Errorf("entry 102: %v", err)
	}
	var replaced []uint64
	for e := range r2.Replaced(0) {
		replaced = append(replaced, e.Index)
		if data, err := e.Data(); err != nil || e.Term != 2 || len(data) == 0 {
			t.Errorf("replaced entry %+v: %v", e, err)
		}
	}
	if fmt.Sprint(replaced) != "[98 99 100 101 102 103 104 105]" {
		t.Errorf("replaced: %d", replaced)
	}

	add(3, 300)
	fixture.Must(t, w.State(3, 1, 50))
	fixture.Must(t, w.Snapshot(2, 40, []byte("state"), 1))
	fixture.Must(t, w.Purge(0))
	r3 := refresh(t, r2)
	begin := r3.begin()
	if begin != 98 {
		t.Fatalf("the log begins at %d", begin)
	}
	wantUnchanged(t, r3, r2, begin, 101)
	if s := r3.Meta().Snapshot; s.Index != 40 || len(r3.Meta().Snapshots) != 1 {
		t.Errorf("snapshot %+v", s)
	}
	e, err := r2.Entry(1)
	fixture.Must(t, err)
	if _, err := e.Data(); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("an entry whose segment is gone: %v", err)
	}
	n := 0
	for e := range r3.Entries(0) {
		n++
		if _, err := e.Data(); err != nil {
			t.Fatal(err)
		}
	}
	if uint64(n) != index-begin {
		t.Errorf("%d entries from %d to %d", n, begin, index-1)
	}
	if r4 := settled(t, r3); walcore.Count(r4) != n {
		t.Errorf("then there are %d entries", walcore.Count(r4))
	}
}

// TestHalfWritten: a record that is being written is not there yet, at whichever byte the write
// has come to; then it is there.
func TestHalfWritten(t *testing.T) {
	dir, w := write(t, 10, 100, etcdlog.Options{SegmentSize: 1 << 16})
	r := open(t, dir)
	index := uint64(11)
	for n := 1; n < 1600; n += fixture.Size(211, 17) {
		end := w.End()
		b := w.Frames(etcdlog.Entry{Term: 2, Index: index, Data: bytes.Repeat([]byte{byte(n) | 1}, 1600)})
		file := fixture.Edit(t, w.Path())
		file.Write(end, b[:min(n, len(b)-1)])
		half := refresh(t, r)
		if last, known := half.LastIndex(); last != index-1 || !known || len(half.Problems()) > 0 {
			t.Fatalf("with %d of %d bytes written the log ends at %d, want %d; %v", n, len(b), last, index-1, half.Problems())
		}
		file.Write(end, b)
		r = refresh(t, half)
		if last, _ := r.LastIndex(); last != index || len(r.Problems()) > 0 {
			t.Fatalf("with all written the log ends at %d, want %d; %v", last, index, r.Problems())
		}
		wantUnchanged(t, r, half, 1, index-1)
		if index++; w.End() > 1<<15 {
			fixture.Must(t, w.Cut())
		}
	}
	r.Close()
}

// TestReplacedDirectory: another directory in the place of the one that is followed.
func TestReplacedDirectory(t *testing.T) {
	dir, _ := write(t, 10, 100, etcdlog.Options{SegmentSize: 1 << 15})
	other, _ := write(t, 20, 50, etcdlog.Options{SegmentSize: 1 << 15})
	r := open(t, dir)
	e, err := r.Entry(3)
	fixture.Must(t, err)
	fixture.Must(t, os.Rename(dir, dir+".old"))
	if _, err := r.Refresh(); err == nil {
		t.Error("the directory is gone, and no error")
	}
	if _, err := e.Data(); err != nil {
		t.Errorf("the log cannot be used any more: %v", err)
	}
	fixture.Must(t, os.Rename(other, dir))
	r2 := refresh(t, r)
	wantUnchanged(t, r2, r, 1, 0)
	if walcore.Count(r2) != 20 {
		t.Errorf("%d entries, want 20", walcore.Count(r2))
	}
	if _, err := e.Data(); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("an entry of the old directory: %v", err)
	}
}

// TestOtherBytes: an entry whose bytes are others than when it was listed gives an error.
func TestOtherBytes(t *testing.T) {
	for _, size := range []int{100, 200 << 10, 400 << 10} {
		dir, w := write(t, 3, size, etcdlog.Options{SegmentSize: 4 << 20})
		r := open(t, dir)
		e, err := r.Entry(2)
		fixture.Must(t, err)
		data, err := e.Data()
		fixture.Must(t, err)
		part := make([]byte, 50)
		if _, err := e.ReadAt(part, int64(size-50)); err != nil || !bytes.Equal(part, data[size-50:]) {
			t.Fatalf("a part: %v", err)
		}
		f := fixture.Edit(t, w.Path())
		f.Write(int64(e.Offset)+60, []byte{0})
		if _, err := e.ReadAt(part, int64(size-50)); !errors.Is(err, walcore.ErrChanged) {
			t.Errorf("a byte of %d is another one, and reading says %v", size, err)
		}
		// Another entry in its place, all of it as etcd writes it.
		other, _ := etcdlog.Create(filepath.Join(t.TempDir(), "other"), etcdlog.Options{SegmentSize: 4 << 20})
		for i := range 3 {
			fixture.Must(t, other.Append(etcdlog.Entry{Term: 2, Index: uint64(i + 1), Data: bytes.Repeat([]byte{9}, size)}))
		}
		fixture.WriteFile(t, w.Path(), fixture.ReadFile(t, other.Path()))
		other.Close()
		var s walcore.Scanner
		if _, err := s.Data(&e); !errors.Is(err, walcore.ErrChanged) {
			t.Errorf("another log's entry of %d bytes is read: %v", size, err)
		}
	}
}
