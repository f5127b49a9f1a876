package storage

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/vfs"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// pausedFlush is a directory whose files wait in each flush until they are told
// to go on.
type pausedFlush struct {
	vfs.Dir
	paused bool
	inside chan struct{} // a flush has begun
	goOn   chan struct{}
}

type pausedFile struct {
	vfs.File
	dir *pausedFlush
}

func (d *pausedFlush) Create(name string) (vfs.File, error) {
	f, err := d.Dir.Create(name)
	return &pausedFile{f, d}, err
}

func (f *pausedFile) Sync() error {
	if f.dir.paused {
		f.dir.inside <- struct{}{}
		<-f.dir.goOn
	}
	return f.File.Sync()
}

// Readers go on while payloads are emptied and each flush takes its time. What is
// being emptied is there or is empty; what is not stays as it is.
func TestReadersDoNotWaitForEmptying(t *testing.T) {
	d := &pausedFlush{inside: make(chan struct{}, 100), goOn: make(chan struct{})}
	s := create(t, filepath.Join(memDir(t), "w"), Options{Checksums: true, Logger: quiet, limits: limits{slots: 20, bytes: format.MaxFileSize},
		wrap: func(under vfs.Dir) vfs.Dir { d.Dir = under; return d }})
	list := someEntries(1, 1, 30)
	for i, e := range list { // the lengths of some lie across two sectors
		e.Data = bytes.Repeat([]byte{byte(i + 1)}, 507)
	}
	list[4].Type = raftpb.EntryConfChange.Enum()
	fixture.Must(t, s.Save(hard(1, 1, 30), list, nil))

	const until = 16
	d.paused = true
	defer close(d.goOn)
	done := make(chan error, 1)
	go func() { done <- s.TruncateEntriesUntil(until) }()
	flushes, partly := 0, false
	for {
		select {
		case err := <-done:
			fixture.Must(t, err)
			if flushes < 6 || !partly { // note on, checksums, three for lengths, note off
				t.Errorf("%d flushes; entries seen empty before the last: %v", flushes, partly)
			}
			return
		case <-d.inside:
			flushes++
		}
		got, err := s.Entries(1, 31, 1<<40)
		fixture.Must(t, err)
		_, size, err := s.PayloadsBelow(1, until)
		fixture.Must(t, err)
		empty := 0
		for i, e := range got {
			if len(e.Data) == 0 && uint64(i+1) < until && i != 4 {
				empty++
			} else if !proto.Equal(e, list[i]) {
				t.Fatalf("flush %d: entry %d is %v", flushes, i+1, e)
			}
		}
		if empty != 0 && empty != until-2 || size != int64(until-2-empty)*507 {
			t.Fatalf("flush %d: %d entries are empty, %d bytes are left to empty", flushes, empty, size)
		}
		partly = partly || empty > 0
		d.goOn <- struct{}{}
	}
}

// Lengths are set to 0 in an order in which each state of the disk, sector by
// sector, is the old length, 0, or one that no file has room for.
func TestPlanZeros(t *testing.T) {
	for at := int64(sector - 8); at < 2*sector+8; at++ {
		disk := make([]byte, 3*sector)
		copy(disk[at:], []byte{0x01, 0x02, 0x03, 0x04})
		for _, step := range planZeros([]int64{at}) {
			if len(step) != 1 {
				t.Fatalf("offset %d: a step of %d writes", at, len(step))
			}
			if w := step[0]; w.at/sector != (w.at+int64(len(w.b))-1)/sector {
				t.Errorf("offset %d: a write of %d bytes at %d is in two sectors", at, len(w.b), w.at)
			}
			copy(disk[step[0].at:], step[0].b)
			if n := binary.BigEndian.Uint32(disk[at:]); n != 0 && n < 0xff000000 {
				t.Errorf("offset %d: the length is %#x in between", at, n)
			}
		}
		if !format.AllZero(disk) {
			t.Errorf("offset %d: the length is %x in the end", at, disk[at:at+4])
		}
	}
}

func TestEmptied(t *testing.T) {
	for _, sums := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "w")
		s := create(t, dir, Options{Checksums: sums})
		list := someEntries(1, 1, 400)
		list[20].Type = raftpb.EntryConfChange.Enum()
		fixture.Must(t, s.Save(nil, list, nil))
		fixture.Must(t, s.TruncateEntriesUntil(300))
		for range 2 {
			got, err := s.Entries(1, 401, 1<<40)
			fixture.Must(t, err)
			for i, e := range got {
				if empty := i < 299 && i != 20; empty != (len(e.Data) == 0) || !empty && !proto.Equal(e, list[i]) {
					t.Fatalf("checksums %v: entry %v", sums, e)
				}
			}
			fixture.Must(t, s.Close())
			s = reopen(t, dir, Options{})
		}
		fixture.Must(t, s.Close())
		if n := len(parseDir(t, dir, nil).entries); n != 400 {
			t.Fatal(n)
		}
	}
}

// Emptied entries stay readable, whatever is emptied, appended or rewritten next.
func TestEmptiedAgain(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	s := create(t, dir, Options{Logger: quiet})
	last, term := uint64(0), uint64(1)
	check := func(emptied uint64) {
		t.Helper()
		for range 2 {
			got, err := s.Entries(1, last+1, 1<<40)
			fixture.Must(t, err)
			for i, e := range got {
				if empty := uint64(i+1) < emptied; empty != (len(e.Data) == 0) {
					t.Fatalf("emptied below %d: entry %v", emptied, e)
				}
			}
			fixture.Must(t, s.Close())
			s = reopen(t, dir, Options{Logger: quiet})
		}
	}
	for _, step := range []struct{ from, until uint64 }{{1, 4}, {11, 15}, {21, 31}, {31, 31}, {36, 41}, {38, 38}} {
		fixture.Must(t, s.Save(nil, someEntries(term, step.from, 10), nil))
		last, term = step.from+9, term+1
		if _, err := s.Entries(1, last+1, 1<<40); err != nil {
			t.Fatal(err)
		}
		fixture.Must(t, s.TruncateEntriesUntil(step.until))
		check(step.until)
	}
}

func TestPayloadsBelow(t *testing.T) {
	s := create(t, filepath.Join(memDir(t), "w"), Options{Logger: quiet, limits: limits{slots: 4, bytes: format.PayloadAt + 30000}})
	list := someEntries(1, 1, 10)
	list[2].Type = raftpb.EntryConfChange.Enum()
	list[4].Data = nil
	fixture.Must(t, s.Save(nil, list, nil))
	for _, test := range []struct {
		from, until uint64
		want        int
	}{{0, 0, 0}, {0, 1, 0}, {0, 2, 1}, {0, 7, 4}, {2, 7, 3}, {0, 100, 8}, {7, 3, 0}} {
		n, size, err := s.PayloadsBelow(test.from, test.until)
		want := int64(0)
		for _, e := range list {
			if i := e.GetIndex(); i >= test.from && i < test.until && e.GetType() == raftpb.EntryNormal {
				want += int64(len(e.Data))
			}
		}
		if err != nil || n != test.want || size != want {
			t.Errorf("from %d until %d: %d entries, %d bytes, %v; want %d, %d", test.from, test.until, n, size, err, test.want, want)
		}
	}
	fixture.Must(t, s.TruncateEntriesUntil(7))
	if n, size, err := s.PayloadsBelow(0, 7); n != 0 || size != 0 || err != nil {
		t.Errorf("emptied, and still %d entries with %d bytes, %v", n, size, err)
	}
}
