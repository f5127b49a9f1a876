package storage

import (
	"bytes"
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

// A power loss while payloads are emptied leaves each of them whole, empty, or
// known to be damaged.
func TestPowerLossWhileEmptying(t *testing.T) {
	fixture.NotForRace(t)
	t.Parallel()
	for _, sums := range []bool{false, true} {
		base := memDir(t)
		var disk *crashfs.Dir
		s := create(t, filepath.Join(base, "live"), Options{Checksums: sums, Logger: quiet, wrap: func(d vfs.Dir) vfs.Dir {
			var err error
			disk, err = crashfs.Wrap(d, 512)
			fixture.Must(t, err)
			return disk
		}})
		// Every length but the first lies across two sectors, with a
		// byte that is not 0 in each.
		list := someEntries(1, 1, 60)
		for i, e := range list {
			e.Data = bytes.Repeat([]byte{byte(i + 1)}, 508)
		}
		list[0].Data = list[0].Data[:505]
		fixture.Must(t, s.Save(hard(1, 1, 60), list, nil))
		random, n, done := rand.New(rand.NewSource(1)), 0, false
		look := func(state crashfs.State) {
			dir := filepath.Join(base, fmt.Sprint(n))
			n++
			fixture.Must(t, state.Write(dir))
			defer os.RemoveAll(dir)
			r := openReader(t, dir, nil)
			for i, want := range list {
				e, err := r.Entry(uint64(i + 1))
				if err != nil && !done {
					continue
				}
				fixture.Must(t, err)
				data, err := e.Data()
				fixture.Must(t, err)
				full := string(data) == string(want.Data)
				if empty := len(data) == 0; !full && !empty || done && full != (i >= 49) {
					t.Fatalf("checksums %v, done %v: entry %d has %q", sums, done, i+1, data)
				}
			}
			fixture.Must(t, r.Close())
		}
		disk.OnStep(func() {
			if random.Intn(10) == 0 {
				disk.States(10, random, look)
			}
		})
		fixture.Must(t, s.TruncateEntriesUntil(50))
		done = true
		disk.States(10, random, look)
		t.Logf("%d states", n)
	}
}

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
	live := filepath.Join(base, "live")
	opts.Logger, opts.limits = quiet, limits{slots: 9, bytes: format.MaxFileSize}
	c := emptyingCheck{t: t, opts: opts, dir: filepath.Join(base, "state"), list: lengthsAcrossSectors(opts.limits.slots), until: until}
	s := create(t, live, opts)
	fixture.Must(t, s.Save(hard(1, 1, 14), c.list, nil))
	fixture.Must(t, s.Close())

	var disk *crashfs.Dir
	opts.wrap = func(d vfs.Dir) vfs.Dir {
		var err error
		disk, err = crashfs.Wrap(d, sector)
		fixture.Must(t, err)
		return disk
	}
	s = reopen(t, live, opts)
	random := rand.New(rand.NewSource(1))
	few := func() { disk.States(4, random, c.look) }
	disk.OnStep(few)
	fixture.Must(t, s.TruncateEntriesUntil(until))
	c.done = true
	few()
	if c.redone == 0 {
		t.Error("no power loss in the middle")
	}
	t.Logf("%d states, %d emptied by Open", c.states, c.redone)
}

// lengthsAcrossSectors are entries 1 to 14, for files of so many slots. All
// lengths but each file's first lie across two sectors, divided behind their
// third, second or first byte in turn. Entries 5 and 11, one in each file, are conf
// changes, which keep their data and their checksums.
func lengthsAcrossSectors(slots int) []*raftpb.Entry {
	list := someEntries(1, 1, 14)
	for i, e := range list {
		size := 509
		switch j := i % slots; {
		case j == 0:
			size = 505
		case j%3 == 0:
			size = 506
		}
		e.Data = bytes.Repeat([]byte{byte(i + 1)}, size)
	}
	for _, i := range []int{4, 10} {
		list[i].Type = raftpb.EntryConfChange.Enum()
	}
	return list
}

// emptyingCheck opens what a power loss leaves while the entries of list below
// until are emptied.
type emptyingCheck struct {
	t              testing.TB
	opts           Options
	dir            string // for the states, one after the other
	list           []*raftpb.Entry
	until          uint64
	done           bool // emptying has come to its end
	states, redone int  // redone: where Open has emptied the rest
}

func (c *emptyingCheck) look(state crashfs.State) {
	t := c.t
	c.states++
	if c.states%*stride != 0 && !c.done {
		return
	}
	fixture.Must(t, os.RemoveAll(c.dir))
	fixture.Must(t, state.Write(c.dir))
	s := reopen(t, c.dir, c.opts)
	p := s.Problems()
	if len(p) > 1 || len(p) == 1 && p[0].Kind != walcore.KindEmptying {
		t.Fatal(p)
	}
	c.redone += len(p)
	got, err := s.Entries(1, 15, 1<<40)
	fixture.Must(t, err)
	none := !c.done && len(p) == 0 && len(got[0].Data) > 0
	for i, e := range got {
		want := !none && uint64(i+1) < c.until && e.GetType() == raftpb.EntryNormal
		if empty := len(e.Data) == 0; empty != want || !empty && !proto.Equal(e, c.list[i]) {
			t.Fatalf("done %v, %v: entry %v", c.done, p, e)
		}
	}
	fixture.Must(t, s.Save(nil, someEntries(1, 15, 1), nil)) // behind the last payload
	fixture.Must(t, s.Close())
	s = reopen(t, c.dir, c.opts)
	if p := s.Problems(); len(p) > 0 {
		t.Fatalf("opened again: %v", p)
	}
	_, err = s.Entries(1, 16, 1<<40)
	fixture.Must(t, err)
	fixture.Must(t, s.Close())
	r := openReader(t, c.dir, c.opts.Key)
	if p := r.Problems(); len(p) > 0 {
		t.Fatalf("reader: %v", p)
	}
	fixture.Must(t, r.Close())
}

// A note that does not fit the log means nothing: Dgraph, which does not know
// of it, may have written other entries since.
func TestNoteOfOtherEntries(t *testing.T) {
	for _, note := range []emptying{{5, 1}, {5, 3}, {11, 2}, {2, 1}} {
		dir := filepath.Join(memDir(t), "w")
		s := create(t, dir, Options{Logger: quiet, limits: limits{slots: 3, bytes: format.MaxFileSize}})
		fixture.Must(t, s.Save(hard(2, 1, 5), someEntries(2, 1, 10), nil))
		fixture.Must(t, s.CreateSnapshot(5, oneVoter, nil))
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
