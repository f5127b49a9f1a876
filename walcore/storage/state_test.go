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
	"github.com/walfs/walfs/walcore/vfs"
	"go.etcd.io/raft/v3/raftpb"
)

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
	fixture.Must(t, s.CreateSnapshot(3, oneVoter, nil))
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
