package storage

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/confstate"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// changeEntries makes entries of term 1 from an index on: for each text a
// configuration change in fixture.ConfChange's notation, for "" a normal entry.
func changeEntries(t testing.TB, from uint64, texts ...string) []*raftpb.Entry {
	t.Helper()
	list := someEntries(1, from, len(texts))
	for i, text := range texts {
		if text != "" {
			typ, data := fixture.ConfChange(t, text)
			list[i].Type, list[i].Data = typ.Enum(), data
		}
	}
	return list
}

// confText is a conf state in a line.
func confText(cs *raftpb.ConfState) string {
	s := fmt.Sprintf("voters %d learners %d", cs.GetVoters(), cs.GetLearners())
	if len(cs.GetVotersOutgoing()) > 0 {
		s += fmt.Sprintf(" outgoing %d next %d", cs.VotersOutgoing, cs.LearnersNext)
	}
	return s
}

func TestIsNew(t *testing.T) {
	snap := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: proto.Uint64(7), Term: proto.Uint64(1),
		ConfState: &raftpb.ConfState{Voters: []uint64{1}}}}
	for _, test := range []struct {
		name string
		do   func(s *DiskStorage) error
		want bool
	}{
		{"made just now", func(s *DiskStorage) error { return nil }, true},
		{"with ids", func(s *DiskStorage) error { return errors.Join(s.SetRaftID(1), s.SetGroupID(2)) }, true},
		{"an empty Ready", func(s *DiskStorage) error { return s.Save(&raftpb.HardState{}, nil, &raftpb.Snapshot{}) }, true},
		{"a term", func(s *DiskStorage) error { return s.Save(hard(1, 0, 0), nil, nil) }, false},
		{"an entry", func(s *DiskStorage) error { return s.Save(nil, someEntries(1, 1, 1), nil) }, false},
		{"a snapshot", func(s *DiskStorage) error { return s.Save(nil, nil, snap) }, false},
		{"a first Ready", func(s *DiskStorage) error { return s.Save(hard(1, 0, 1), changeEntries(t, 1, "v1"), nil) }, false},
	} {
		dir := filepath.Join(memDir(t), "w")
		s := create(t, dir, Options{})
		fixture.Must(t, test.do(s))
		for range 2 {
			if got := s.IsNew(); got != test.want {
				t.Errorf("%s: new %v", test.name, got)
			}
			fixture.Must(t, s.Close())
			s = reopen(t, dir, Options{Create: true})
		}
	}
}

func TestConfStateAt(t *testing.T) {
	const refused = "v0" // an application that refuses a change applies it with id 0
	log := []string{"v1", "v2", "", "l3", "v3", "joint v4 l1 r2", "", "leave", refused, "r3", "v5 v6", "leave", ""}
	at := map[uint64]string{
		0: "voters [] learners []", 1: "voters [1] learners []", 2: "voters [1 2] learners []", 3: "voters [1 2] learners []",
		4: "voters [1 2] learners [3]", 5: "voters [1 2 3] learners []",
		6: "voters [3 4] learners [] outgoing [1 2 3] next [1]", 7: "voters [3 4] learners [] outgoing [1 2 3] next [1]",
		8: "voters [3 4] learners [1]", 9: "voters [3 4] learners [1]", 10: "voters [4] learners [1]",
		11: "voters [4 5 6] learners [1] outgoing [4] next []", 12: "voters [4 5 6] learners [1]",
	}
	check := func(t *testing.T, s *DiskStorage, from uint64) {
		t.Helper()
		for i := range uint64(14) {
			cs, err := s.ConfStateAt(i)
			switch {
			case i < from:
				if !errors.Is(err, raft.ErrCompacted) {
					t.Errorf("at %d, below the snapshot: %v, %v", i, cs, err)
				}
			case i > 12:
				if !errors.Is(err, raft.ErrUnavailable) {
					t.Errorf("at %d, which is not committed: %v, %v", i, cs, err)
				}
			case err != nil || confText(cs) != at[i]:
				t.Errorf("at %d: %s (%v), want %s", i, confText(cs), err, at[i])
			}
		}
	}
	for name, opts := range map[string]Options{
		"plain":     {},
		"checksums": {Checksums: true},
		"encrypted": {Key: bytes.Repeat([]byte{1}, 32)},
		"files":     {limits: limits{slots: 2, bytes: 8 << 20}},
	} {
		t.Run(name, func(t *testing.T) {
			opts.Logger = quiet
			dir := filepath.Join(memDir(t), "w")
			s := create(t, dir, opts)
			fixture.Must(t, s.Save(hard(1, 1, 12), changeEntries(t, 1, log...), nil))
			check(t, s, 0)
			fixture.Must(t, s.TruncateEntriesUntil(12))
			check(t, s, 0)
			for _, snap := range []uint64{3, 6, 7, 12} {
				cs, err := s.ConfStateAt(snap)
				fixture.Must(t, err)
				fixture.Must(t, s.CreateSnapshot(snap, cs, nil))
				check(t, s, snap)
				fixture.Must(t, s.Close())
				s = reopen(t, dir, opts)
				check(t, s, snap)
			}
			fixture.Must(t, s.Close())
			if _, err := s.ConfStateAt(12); err != walcore.ErrClosed {
				t.Errorf("closed: %v", err)
			}
		})
	}
}

func TestConfStateAtFails(t *testing.T) {
	for _, test := range []struct {
		name    string
		entries []*raftpb.Entry
		commit  uint64
		at      uint64
		want    error
	}{
		{"a change that does not fit", changeEntries(t, 1, "v1", "leave"), 2, 2, confstate.ErrMisfit},
		{"a change that is no protobuf", []*raftpb.Entry{{Term: proto.Uint64(1), Index: proto.Uint64(1),
			Type: raftpb.EntryConfChange.Enum(), Data: []byte{0xff}}}, 1, 1, confstate.ErrMisfit},
		{"committed, but not in the log", changeEntries(t, 1, "v1"), 2, 2, raft.ErrUnavailable},
	} {
		s := create(t, filepath.Join(memDir(t), "w"), Options{Logger: quiet})
		fixture.Must(t, s.Save(nil, test.entries, nil))
		s.meta.hard = hardState{1, 1, test.commit} // Save refuses what is not in the log
		if cs, err := s.ConfStateAt(test.at); !errors.Is(err, test.want) || cs != nil {
			t.Errorf("%s: %v, %v, want %v", test.name, cs, err, test.want)
		}
	}

	// What Dgraph leaves where its log was cut below, without a snapshot.
	s := reopen(t, fixture.Dir(t, "highstart"), Options{Logger: quiet})
	first, err := s.FirstIndex()
	fixture.Must(t, err)
	if cs, err := s.ConfStateAt(first); !errors.Is(err, raft.ErrCompacted) || cs != nil {
		t.Errorf("a log that begins at %d: %v, %v", first, cs, err)
	}
	if cs, err := s.ConfStateAt(0); err != nil || confText(cs) != "voters [] learners []" {
		t.Errorf("a log that begins at %d, at 0: %v, %v", first, cs, err)
	}
}
