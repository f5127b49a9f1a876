package storage

import (
	"errors"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/crashfs"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/vfs"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

func TestRewind(t *testing.T) {
	for _, key := range []string{"", "0123456789abcdef"} {
		dir := filepath.Join(memDir(t), "w")
		opts := Options{Logger: quiet, Key: []byte(key), limits: limits{slots: 10, bytes: format.PayloadAt + 30000}}
		s := create(t, dir, opts)
		all := someEntries(1, 1, 45)
		fixture.Must(t, s.Save(hard(1, 1, 12), all, nil))
		fixture.Must(t, s.SetCheckpoint(11))

		for _, to := range []uint64{45, 60} {
			fixture.Must(t, s.Rewind(to))
			if last, _ := s.LastIndex(); last != 45 {
				t.Fatalf("rewind to %d: the log ends at %d", to, last)
			}
		}
		for _, to := range []uint64{44, 30, 25, 12} { // within a file, to a file's end, across files, to the commit index
			fixture.Must(t, s.Rewind(to))
			checkLog(t, s, all[:to])
			fixture.Must(t, s.Close())
			s = reopen(t, dir, opts)
			checkLog(t, s, all[:to])
			if p := s.Problems(); len(p) > 0 {
				t.Errorf("rewind to %d, opened again: %v", to, p)
			}
		}
		refused := func(to uint64, why string) {
			t.Helper()
			if err := s.Rewind(to); !errors.Is(err, walcore.ErrRefused) || !strings.Contains(err.Error(), why) {
				t.Errorf("rewind to %d: %v, want %q", to, err, why)
			}
			checkLog(t, s, all[:12])
		}
		refused(11, "entries up to 12 are committed")
		fixture.Must(t, s.SetState(State{RaftID: 1, Checkpoint: 11, Term: 1, Vote: 1, Commit: 11}))
		fixture.Must(t, s.CreateSnapshot(9, nil, nil))
		fixture.Must(t, s.Rewind(11))
		fixture.Must(t, s.SetState(State{RaftID: 1, Checkpoint: 10, Term: 1, Vote: 1, Commit: 11}))
		fixture.Must(t, s.SetState(State{RaftID: 1, Checkpoint: 9, Term: 1, Vote: 1, Commit: 9}))
		if err := s.Rewind(8); !errors.Is(err, walcore.ErrRefused) || !strings.Contains(err.Error(), "the snapshot stands for") {
			t.Errorf("below the snapshot: %v", err)
		}
		fixture.Must(t, s.Rewind(9))
		if first, _ := s.FirstIndex(); first != 10 {
			t.Errorf("first index %d", first)
		}
		fixture.Must(t, s.Save(nil, someEntries(2, 10, 3), nil)) // and the log goes on
		fixture.Must(t, s.Close())
	}
}

// TestRewindBelowCheckpoint: an applied entry cannot be taken back.
func TestRewindBelowCheckpoint(t *testing.T) {
	s := create(t, filepath.Join(memDir(t), "w"), Options{Logger: quiet})
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 5), nil))
	fixture.Must(t, s.SetCheckpoint(4))
	if err := s.Rewind(3); !errors.Is(err, walcore.ErrRefused) {
		t.Errorf("rewind below the checkpoint: %v", err)
	}
	fixture.Must(t, s.Rewind(4))
}

// checkLog wants these entries, which begin at 1, and no more.
func checkLog(t *testing.T, s *DiskStorage, want []*raftpb.Entry) {
	t.Helper()
	last, err := s.LastIndex()
	fixture.Must(t, err)
	if last != uint64(len(want)) {
		t.Fatalf("the log ends at %d, want %d", last, len(want))
	}
	got, err := s.Entries(1, last+1, 1<<40)
	fixture.Must(t, err)
	for i, e := range got {
		if !proto.Equal(e, want[i]) {
			t.Fatalf("entry %v, want %v", e, want[i])
		}
	}
}

// After a power loss in a rewind the log ends somewhere between.
func TestPowerLossInRewind(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{}, {Checksums: true}, {Key: []byte("0123456789abcdef")}} {
		c := newCrashTest(t, o, 512, 1, 32)
		s, err := Open(c.live, c.opts)
		c.must(err)
		for range 4 {
			w := c.now.next
			hs := hardState{term: w.hs.term + 1, vote: 1, commit: w.hs.commit}
			c.apply(s, w.save("append", hs, w.run(c.random, w.last()+1, hs.term, 50, 200), nil))
			w = c.now.next
			to := w.hs.commit + uint64(c.random.Intn(len(w.entries)))
			next := w
			next.entries = w.entries[:to]
			c.apply(s, change{name: "rewind", next: next, kept: to, do: func(s *DiskStorage) error { return s.Rewind(to) }})
		}
		c.must(s.Close())
		t.Logf("%d states", c.states)
	}
}

// After a power loss in SetState all numbers are old, or all are new.
func TestPowerLossInSetState(t *testing.T) {
	t.Parallel()
	base := memDir(t)
	live := filepath.Join(base, "live")
	old := State{RaftID: 1, GroupID: 2, Checkpoint: 3, Term: 1, Vote: 1, Commit: 4}
	var disk *crashfs.Dir
	var next State
	states, random := 0, rand.New(rand.NewSource(1))
	opts := Options{Logger: quiet, wrap: func(d vfs.Dir) vfs.Dir {
		var err error
		disk, err = crashfs.Wrap(d, 512)
		fixture.Must(t, err)
		return disk
	}}
	s := create(t, live, opts)
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 9), nil))
	fixture.Must(t, s.CreateSnapshot(2, &raftpb.ConfState{Voters: []uint64{1}}, make([]byte, 5000)))
	fixture.Must(t, s.SetState(old))
	check := func(done bool) {
		disk.States(20, random, func(state crashfs.State) {
			states++
			dir := filepath.Join(base, "state")
			fixture.Must(t, os.RemoveAll(dir))
			fixture.Must(t, state.Write(dir))
			s, err := Open(dir, Options{Logger: quiet})
			fixture.Must(t, err)
			defer s.Close()
			if got := s.State(); got != next && (done || got != old) {
				t.Fatalf("%+v, want %+v or %+v (done: %v)", got, old, next, done)
			}
			if snap, err := s.Snapshot(); err != nil || len(snap.Data) != 5000 {
				t.Fatalf("the snapshot is lost: %v", err)
			}
		})
	}
	disk.OnStep(func() { check(false) })
	for _, st := range []State{
		{RaftID: 1, GroupID: 2, Checkpoint: 4, Term: 1, Vote: 1, Commit: 4},      // the first sector
		{RaftID: 1, GroupID: 2, Checkpoint: 4, Term: 1 << 40, Vote: 3},           // the second: refused
		{RaftID: 1, GroupID: 2, Checkpoint: 4, Term: 5, Vote: 3, Commit: 7},      // the second
		{RaftID: 9, GroupID: 0, Checkpoint: 7, Term: 9, Vote: 0, Commit: 9},      // both
		{RaftID: 0, GroupID: 1 << 60, Checkpoint: 0, Term: 1, Commit: 2},         // both, with zeros
		{RaftID: 7, GroupID: 1 << 60, Checkpoint: 0, Term: 2, Vote: 1 << 50},     // commit below the snapshot: refused
		{RaftID: 7, GroupID: 1 << 60, Checkpoint: 2, Term: 2, Commit: 1<<64 - 1}, // refused
	} {
		next = st
		if err := s.SetState(st); errors.Is(err, walcore.ErrRefused) {
			next = old
		} else {
			fixture.Must(t, err)
		}
		if got := s.State(); got != next {
			t.Fatalf("%+v, want %+v", got, next)
		}
		check(true)
		old = next
	}
	t.Logf("%d states", states)
}

func TestSetStateRefuses(t *testing.T) {
	s := create(t, filepath.Join(memDir(t), "w"), Options{Logger: quiet})
	fixture.Must(t, s.Save(hard(2, 1, 5), someEntries(2, 1, 9), nil))
	fixture.Must(t, s.CreateSnapshot(3, nil, nil))
	sound := State{RaftID: 1, Checkpoint: 4, Term: 2, Vote: 1, Commit: 5}
	fixture.Must(t, s.SetState(sound))
	for _, test := range []struct {
		why string
		set func(st *State)
	}{
		{"the log ends at 9", func(st *State) { st.Commit = 10 }},
		{"the snapshot at 3 was committed", func(st *State) { st.Commit, st.Checkpoint = 2, 2 }},
		{"set both", func(st *State) { st.Checkpoint = 6 }},
		{"set both", func(st *State) { st.Commit = 3 }},
		{"the last entry is of term 2", func(st *State) { st.Term = 1 }},
		{"no log gets there", func(st *State) { st.Term = walcore.MaxNumber + 1 }},
	} {
		st := sound
		test.set(&st)
		st.RaftID = 99
		if err := s.SetState(st); !errors.Is(err, walcore.ErrRefused) || !strings.Contains(err.Error(), test.why) {
			t.Errorf("%+v: %v, want %q", st, err, test.why)
		}
		if got := s.State(); got != sound {
			t.Errorf("%+v refused, but stored %+v", st, got)
		}
	}
	// What is wrong already does not stand in the way of the rest.
	fixture.Must(t, s.SetCheckpoint(8))
	fixture.Must(t, s.SetState(State{RaftID: 2, Checkpoint: 8, Term: 2, Vote: 1, Commit: 5}))
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

// A dry run does all that a storage does, and leaves no trace in the directory.
func TestDryRunTouchesNothing(t *testing.T) {
	for _, name := range []string{"alpha", "sealed128", "bigsnap", "empty"} {
		t.Run(name, func(t *testing.T) {
			dir := fixture.Dir(t, name)
			if name == "alpha" {
				fixture.Edit(t, filepath.Join(dir, "00001.wal")).Set(974, fixture.Offset, 0) // a torn tail, to be mended
				fixture.Must(t, os.WriteFile(filepath.Join(dir, "wal.meta.new"), []byte("left behind"), 0o600))
				setCommit(t, dir, 974)
			}
			fixture.Age(t, dir)
			before := fixture.State(t, dir)
			opts := Options{Key: fixture.Key(name), DryRun: true, Logger: quiet, Checksums: true, limits: limits{slots: 700, bytes: format.MaxFileSize}}
			s, err := Open(dir, opts)
			fixture.Must(t, err)
			if got := len(s.Problems()); name == "alpha" && got != 1 {
				t.Errorf("%d problems found, want the torn tail: %v", got, s.Problems())
			}
			last, err := s.LastIndex()
			fixture.Must(t, err)
			term, err := s.Term(last)
			fixture.Must(t, err)
			more := someEntries(term+1, last+1, 800) // into a second file
			fixture.Must(t, s.Save(hard(term+1, 1, last+700), more, nil))
			fixture.Must(t, s.SetRaftID(77))
			got, err := s.Entries(last+1, last+801, 1<<40)
			fixture.Must(t, err)
			for i, e := range got {
				if !proto.Equal(e, more[i]) {
					t.Fatalf("entry %v, want %v", e, more[i])
				}
			}
			fixture.Must(t, s.TruncateEntriesUntil(last+100))
			fixture.Must(t, s.CreateSnapshot(last+750, &raftpb.ConfState{Voters: []uint64{1}}, make([]byte, 2<<20)))
			fixture.Must(t, s.Rewind(last+760))
			fixture.Must(t, s.SetState(State{RaftID: 5, Term: term + 2, Commit: last + 755}))
			if now, _ := s.LastIndex(); now != last+760 {
				t.Errorf("last index %d, want %d", now, last+760)
			}
			if _, err := Open(dir, opts); !errors.Is(err, walcore.ErrInUse) {
				t.Errorf("a second storage: %v", err)
			}
			fixture.Must(t, s.Close())
			if after := fixture.State(t, dir); after != before {
				t.Errorf("the directory has changed:\nbefore\n%s\nafter\n%s", before, after)
			}
		})
	}
}

// setCommit stores a commit index in a fixture, by the reader's own format.
func setCommit(t *testing.T, dir string, commit uint64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, format.MetaName), os.O_WRONLY, 0)
	fixture.Must(t, err)
	defer f.Close()
	b := []byte{0, 0, 0, 7, 8, 2, 16, 1, 24, byte(commit) | 0x80, byte(commit >> 7)}
	_, err = f.WriteAt(b, 512)
	fixture.Must(t, err)
}
