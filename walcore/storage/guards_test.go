//go:build linux

package storage

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// guarded is a log with the entries 4 to 12 behind a snapshot at 3: terms 2 and, from
// 9 on, 3; the hard state is of term 4, and the node has voted for 1 in it.
func guarded(t *testing.T, o *ops) *DiskStorage {
	s := create(t, filepath.Join(memDir(t), "w"), Options{wrap: o.wrap(t), Logger: quiet, limits: smallFiles})
	fixture.Must(t, s.Save(hard(2, 1, 3), someEntries(2, 1, 8), nil))
	fixture.Must(t, s.CreateSnapshot(3, oneVoter, []byte("x")))
	fixture.Must(t, s.Save(hard(4, 1, 7), someEntries(3, 9, 4), nil))
	fixture.Must(t, s.SetCheckpoint(6))
	o.take()
	return s
}

func snapshotWith(index, term uint64, cs *raftpb.ConfState) *raftpb.Snapshot {
	return &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: &index, Term: &term, ConfState: cs}}
}

// saveCase is what a Save is asked for, and why it is refused, or "".
type saveCase struct {
	name    string
	hs      *raftpb.HardState
	entries []*raftpb.Entry
	snap    *raftpb.Snapshot
	why     string
}

var refusedSaves = []saveCase{
	{"a commit index beyond the log", hard(4, 1, 13), nil, nil, "commit index 13: the log ends at 12"},
	{"beyond the entries that come with it", hard(4, 1, 15), someEntries(4, 13, 2), nil, "commit index 15: the log ends at 14"},
	{"beyond the log that they cut", hard(4, 1, 12), someEntries(4, 10, 2), nil, "commit index 12: the log ends at 11"},
	{"beyond the snapshot that comes with it", hard(5, 0, 12), nil, snapshotWith(11, 5, oneVoter), "commit index 12: the log ends at 11"},
	{"beyond snapshot and entries", hard(5, 0, 25), someEntries(5, 21, 4), snapshotWith(20, 5, oneVoter), "commit index 25: the log ends at 24"},
	{"an applied entry that was not committed", hard(4, 1, 5), nil, nil, "commit index 5: entries up to 6 are applied"},
	{"a term that goes down", hard(3, 1, 7), nil, nil, "hard state of term 3: the node has seen term 4"},
	{"with entries", hard(3, 1, 7), someEntries(3, 13, 1), nil, "hard state of term 3: the node has seen term 4"},
	{"with a snapshot", hard(3, 1, 20), nil, snapshotWith(20, 3, oneVoter), "hard state of term 3: the node has seen term 4"},
	{"a term that no log has", hard(1<<60, 1, 7), nil, nil, "no log gets there"},
	{"a second vote", hard(4, 2, 7), nil, nil, "vote for 2 in term 4: the node has voted for 1 in it"},
	{"a vote taken back", hard(4, 0, 8), someEntries(4, 13, 1), nil, "vote for 0 in term 4: the node has voted for 1 in it"},
	{"entries of a later term", hard(5, 0, 7), someEntries(6, 13, 1), nil, "hard state of term 5: the last entry is of term 6"},
	{"a snapshot of a later term", hard(5, 0, 20), nil, snapshotWith(20, 6, oneVoter), "hard state of term 5: the last entry is of term 6"},
	{"entries in the place of committed ones", nil, someEntries(4, 7, 9), nil, "entry 7 of term 4: entries up to 7 are committed"},
	{"the same ones again", nil, append(someEntries(2, 6, 3), someEntries(3, 9, 4)...), nil, "entry 6 of term 2: entries up to 7 are committed"},
	{"entries below the snapshot", nil, someEntries(4, 3, 9), nil, "the log begins at 4"},
	{"entries that leave a gap", nil, someEntries(4, 14, 1), nil, "so that 13 comes next"},
	{"entries that leave a gap to the snapshot", nil, someEntries(5, 22, 1), snapshotWith(20, 5, oneVoter), "so that 21 comes next"},
	{"entries of an earlier term than the snapshot", nil, someEntries(4, 21, 1), snapshotWith(20, 5, oneVoter), "the entry before is of term 5"},
	{"a snapshot below the commit index", nil, nil, snapshotWith(6, 2, oneVoter), "snapshot at index 6: entries up to 7 are committed"},
	{"with entries up to there", hard(4, 1, 7), someEntries(4, 7, 3), snapshotWith(6, 2, oneVoter), "snapshot at index 6: entries up to 7 are committed"},
	{"no conf state", nil, nil, snapshotWith(20, 4, nil), "snapshot at index 20: the conf state names no voters"},
	{"no voters", nil, nil, snapshotWith(20, 4, &raftpb.ConfState{Learners: []uint64{1}}), "the conf state names no voters"},
	{"no voters to come", nil, nil, snapshotWith(20, 4, &raftpb.ConfState{VotersOutgoing: []uint64{1}}), "the conf state names no voters"},
	{"a voter twice", nil, nil, snapshotWith(20, 4, &raftpb.ConfState{Voters: []uint64{1, 1}}), "the conf state contradicts itself"},
	{"a voter who learns", nil, nil, snapshotWith(20, 4, &raftpb.ConfState{Voters: []uint64{1}, Learners: []uint64{1}}), "the conf state contradicts itself"},
	{"node 0", nil, nil, snapshotWith(20, 4, &raftpb.ConfState{Voters: []uint64{0, 1}}), "the conf state contradicts itself"},
}

var allowedSaves = []saveCase{
	{name: "nothing"},
	{name: "a commit index that goes down", hs: hard(4, 1, 6)},
	{name: "the log's last index", hs: hard(4, 1, 12)},
	{name: "the last index with the entries", hs: hard(4, 1, 14), entries: someEntries(4, 13, 2)},
	{name: "a new term without a vote", hs: hard(5, 0, 7)},
	{name: "the same hard state", hs: hard(4, 1, 7)},
	{name: "entries of a later term without a hard state", entries: someEntries(9, 13, 1)},
	{name: "the first entry that is not committed", entries: someEntries(4, 8, 1)},
	{name: "a snapshot of an earlier term than the entries", snap: snapshotWith(20, 2, oneVoter)},
	{name: "a snapshot of a later term without a hard state", snap: snapshotWith(20, 9, oneVoter)},
	{name: "a snapshot at the commit index", snap: snapshotWith(7, 3, oneVoter)},
	{name: "a snapshot and a commit index of old", hs: hard(5, 1, 7), snap: snapshotWith(20, 5, oneVoter)},
	{name: "a snapshot, entries, a commit index among them", hs: hard(5, 1, 22), entries: someEntries(5, 21, 3), snap: snapshotWith(20, 5, oneVoter)},
	{name: "members on their way", snap: snapshotWith(20, 5, &raftpb.ConfState{Voters: []uint64{2, 3}, VotersOutgoing: []uint64{1, 2},
		Learners: []uint64{4}, LearnersNext: []uint64{1}, AutoLeave: proto.Bool(true)})},
}

// What Raft could not go on with is refused and changes nothing, and the storage takes
// what comes next. What Raft can go on with is stored, and a node starts with it.
func TestSaveGuards(t *testing.T) {
	o := &ops{}
	s := guarded(t, o)
	for _, test := range refusedSaves {
		before := s.State()
		err := s.Save(test.hs, test.entries, test.snap)
		if !errors.Is(err, walcore.ErrRefused) || !strings.Contains(err.Error(), test.why) {
			t.Errorf("%s: %v, want %q", test.name, err, test.why)
		}
		if done := o.take(); done != "" || s.State() != before {
			t.Errorf("%s: refused after %q", test.name, done)
		}
	}
	wantLog(t, s, append(someEntries(2, 4, 5), someEntries(3, 9, 4)...)...)
	fixture.Must(t, s.Save(hard(5, 2, 13), someEntries(5, 13, 1), nil))
	fixture.Must(t, s.Save(hard(6, 0, 13), nil, nil))
	fixture.Must(t, s.Save(hard(6, 3, 13), nil, nil)) // the first vote in its term

	for _, test := range allowedSaves {
		s := guarded(t, &ops{})
		if err := s.Save(test.hs, test.entries, test.snap); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		fixture.Must(t, s.Close())
		s = reopen(t, s.path, Options{Logger: quiet})
		for _, p := range s.Problems() {
			if test.hs != nil || p.Kind != walcore.KindHardState {
				t.Errorf("%s: %v", test.name, p)
			}
		}
		if st, snap := s.State(), s.meta.snapIndex; st.Commit < snap {
			t.Errorf("%s: commit index %d, snapshot at %d", test.name, st.Commit, snap)
		}
		members(t, raftConfig(s, 0)) // Raft would panic
		fixture.Must(t, s.Close())
	}
}

// A commit index that is beyond the log's end already, as power loss can leave one with
// SyncManual, keeps nobody from adding the entries that are missing.
func TestSaveBelowCommit(t *testing.T) {
	s := create(t, filepath.Join(memDir(t), "w"), Options{Logger: quiet})
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 10), nil))
	s.meta.hard = hardState{1, 1, 12}
	if err := s.Save(nil, someEntries(1, 10, 3), nil); !errors.Is(err, walcore.ErrRefused) {
		t.Errorf("in the place of a committed entry: %v", err)
	}
	fixture.Must(t, s.Save(hard(2, 1, 12), someEntries(1, 11, 1), nil))
	fixture.Must(t, s.Save(nil, someEntries(1, 12, 3), nil))
	wantLog(t, s, someEntries(1, 1, 14)...)
}

// A snapshot that would leave a node without voters is refused. One beyond the stored
// commit index raises it.
func TestCreateSnapshotGuards(t *testing.T) {
	o := &ops{}
	s := create(t, filepath.Join(memDir(t), "w"), Options{wrap: o.wrap(t), Logger: quiet})
	fixture.Must(t, s.Save(hard(1, 1, 3), someEntries(1, 1, 9), nil))
	o.take()
	for name, cs := range map[string]*raftpb.ConfState{
		"none, and none before":       nil,
		"an empty one":                {},
		"learners alone":              {Learners: []uint64{1}},
		"leaves what it is not in":    {Voters: []uint64{1}, AutoLeave: proto.Bool(true)},
		"a voter who learns":          {Voters: []uint64{1}, Learners: []uint64{1}},
		"learners of no joint change": {Voters: []uint64{1}, LearnersNext: []uint64{2}},
	} {
		err := s.CreateSnapshot(5, cs, nil)
		if done := o.take(); !errors.Is(err, walcore.ErrRefused) || !strings.Contains(err.Error(), "snapshot at index 5: the conf state") || done != "" {
			t.Errorf("%s: %v, after %q", name, err, done)
		}
	}
	fixture.Must(t, s.CreateSnapshot(5, oneVoter, nil))
	if got := s.State().Commit; got != 5 {
		t.Errorf("commit index %d", got)
	}
	fixture.Must(t, s.CreateSnapshot(6, nil, nil)) // the one before had voters
	members(t, raftConfig(s, 0))

	// Where no hard state was saved there is none to raise.
	s = create(t, filepath.Join(memDir(t), "w"), Options{Logger: quiet})
	fixture.Must(t, s.Save(nil, someEntries(1, 1, 9), nil))
	fixture.Must(t, s.CreateSnapshot(5, oneVoter, nil))
	if hs, _, _ := s.InitialState(); hs != nil {
		t.Errorf("hard state %v", hs)
	}
}
