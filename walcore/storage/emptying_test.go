package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/crashfs"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/vfs"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// After a power loss while payloads are emptied, Open empties all of them or,
// if it came early, none; the log is sound then for storage and reader.
func TestOpenFinishesEmptying(t *testing.T) {
	for _, opts := range []Options{{}, {Checksums: true}, {Key: someKey}, {Sync: SyncManual}} {
		for _, until := range []uint64{8, 15} { // of 14: within the first file, all
			t.Run(fmt.Sprintf("checksums=%v/key=%s/sync=%d/until=%d", opts.Checksums, opts.Key, opts.Sync, until), func(t *testing.T) {
				t.Parallel()
				testOpenFinishesEmptying(t, opts, until)
			})
		}
	}
}

func testOpenFinishesEmptying(t *testing.T, opts Options, until uint64) {
	base := memDir(t)
	live, dir := filepath.Join(base, "live"), filepath.Join(base, "state")
	opts.Logger, opts.limits = quiet, limits{slots: 9, bytes: format.MaxFileSize}
	// All lengths but each file's first lie across two sectors, cut behind
	// their third, second or first byte in turn.
	list := someEntries(1, 1, 14)
	for i, e := range list {
		size := 509
		switch j := i % opts.limits.slots; {
		case j == 0:
			size = 505
		case j%3 == 0:
			size = 506
		}
		e.Data = bytes.Repeat([]byte{byte(i + 1)}, size)
	}
	list[4].Type = raftpb.EntryConfChange.Enum()
	emptied := func(i int) bool { return uint64(i+1) < until && i != 4 }
	s := create(t, live, opts)
	fixture.Must(t, s.Save(hard(1, 1, 14), list, nil))
	fixture.Must(t, s.Close())

	states, redone, done := 0, 0, false
	look := func(state crashfs.State) {
		states++
		if states%stride != 0 && !done {
			return
		}
		fixture.Must(t, os.RemoveAll(dir))
		fixture.Must(t, state.Write(dir))
		s := reopen(t, dir, opts)
		p := s.Problems()
		if len(p) > 1 || len(p) == 1 && p[0].Kind != walcore.KindEmptying {
			t.Fatal(p)
		}
		redone += len(p)
		got, err := s.Entries(1, 15, 1<<40)
		fixture.Must(t, err)
		none := !done && len(p) == 0 && len(got[0].Data) > 0
		for i, e := range got {
			if empty := len(e.Data) == 0; empty != (emptied(i) && !none) || !empty && !proto.Equal(e, list[i]) {
				t.Fatalf("done %v, %v: entry %v", done, p, e)
			}
		}
		fixture.Must(t, s.Save(nil, someEntries(1, 15, 1), nil)) // behind the last one's place
		fixture.Must(t, s.Close())
		s = reopen(t, dir, opts)
		if p := s.Problems(); len(p) > 0 {
			t.Fatalf("opened again: %v", p)
		}
		_, err = s.Entries(1, 16, 1<<40)
		fixture.Must(t, err)
		fixture.Must(t, s.Close())
		r := openReader(t, dir, opts.Key)
		if p := r.Problems(); len(p) > 0 {
			t.Fatalf("reader: %v", p)
		}
		fixture.Must(t, r.Close())
	}
	var disk *crashfs.Dir
	opts.wrap = func(d vfs.Dir) vfs.Dir {
		var err error
		disk, err = crashfs.Wrap(d, 512)
		fixture.Must(t, err)
		return disk
	}
	s = reopen(t, live, opts)
	opts.wrap = nil
	random := rand.New(rand.NewSource(1))
	few := func() { disk.States(4, random, look) }
	disk.OnStep(few)
	fixture.Must(t, s.TruncateEntriesUntil(until))
	done = true
	few()
	if redone == 0 {
		t.Error("no power loss in the middle")
	}
	t.Logf("%d states, %d emptied by Open", states, redone)
}

// A note that does not fit the log means nothing: Dgraph, which does not know
// of it, may have written other entries since.
func TestNoteOfOtherEntries(t *testing.T) {
	for _, note := range []emptying{{5, 1}, {5, 3}, {11, 2}, {2, 1}} {
		dir := filepath.Join(memDir(t), "w")
		s := create(t, dir, Options{Logger: quiet, limits: limits{slots: 3, bytes: format.MaxFileSize}})
		fixture.Must(t, s.Save(nil, someEntries(2, 1, 10), nil))
		fixture.Must(t, s.CreateSnapshot(5, nil, nil))
		fixture.Must(t, s.noteEmptying(note))
		fixture.Must(t, s.Close())
		s = reopen(t, dir, Options{Logger: quiet})
		if p := s.Problems(); len(p) > 0 {
			t.Errorf("%v: %v", note, p)
		}
		if now := s.meta.emptying; now != (emptying{}) {
			t.Errorf("%v: left as %v", note, now)
		}
		wantLog(t, s, someEntries(2, 6, 5)...)
		fixture.Must(t, s.Close())
	}
}

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
