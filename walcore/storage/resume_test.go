package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/confstate"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// raftConfig is node 1's, with Applied and Storage as a program sets them itself.
func raftConfig(s *DiskStorage, applied uint64) *raft.Config {
	return &raft.Config{ID: 1, ElectionTick: 10, HeartbeatTick: 1, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 16,
		Storage: s, Applied: applied, Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}}
}

// members are those that a node starts with.
func members(t testing.TB, c *raft.Config) string {
	t.Helper()
	rn, err := raft.NewRawNode(c)
	fixture.Must(t, err)
	cfg := rn.Status().Config
	return cfg.String()
}

// warnings is a Logger for a storage, and what it was told.
func warnings() (*slog.Logger, *bytes.Buffer) {
	var told bytes.Buffer
	return slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelWarn})), &told
}

// A program around a node of one voter: it applies what is committed, and keeps
// the conf state as of each index.
type program struct {
	s       *DiskStorage
	rn      *raft.RawNode
	applied uint64
	confs   map[uint64]string // as ApplyConfChange has given them
}

// ready does what all Readies ask for.
func (p *program) ready(t testing.TB) {
	t.Helper()
	for p.rn.HasReady() {
		rd := p.rn.Ready()
		fixture.Must(t, p.s.Save(rd.HardState, rd.Entries, rd.Snapshot))
		for _, e := range rd.CommittedEntries {
			if e.GetIndex() != p.applied+1 {
				t.Fatalf("entry %d is to be applied, %d are", e.GetIndex(), p.applied)
			}
			p.applied++
			p.confs[p.applied] = p.confs[p.applied-1]
			if cc := parseChange(t, e); cc != nil {
				p.confs[p.applied] = confText(p.rn.ApplyConfChange(cc))
			}
		}
		p.rn.Advance(rd)
	}
}

func parseChange(t testing.TB, e *raftpb.Entry) raftpb.ConfChangeI {
	t.Helper()
	switch e.GetType() {
	case raftpb.EntryConfChange:
		cc := &raftpb.ConfChange{}
		fixture.Must(t, proto.Unmarshal(e.GetData(), cc))
		return cc
	case raftpb.EntryConfChangeV2:
		cc := &raftpb.ConfChangeV2{}
		fixture.Must(t, proto.Unmarshal(e.GetData(), cc))
		return cc
	}
	return nil
}

// newProgram starts a group of one voter in a new log, and lets it change its
// members a few times.
func newProgram(t testing.TB, dir string) *program {
	t.Helper()
	s := create(t, dir, Options{Logger: quiet})
	p := &program{s: s, confs: map[uint64]string{0: confText(nil)}}
	if !s.IsNew() {
		t.Fatal("a new log is not new")
	}
	var err error
	p.rn, err = raft.NewRawNode(raftConfig(s, 0))
	fixture.Must(t, err)
	fixture.Must(t, p.rn.Bootstrap([]raft.Peer{{ID: 1}}))
	p.ready(t)
	fixture.Must(t, p.rn.Campaign())
	p.ready(t)
	for _, change := range []string{"l2", "", "l3", "joint l4 r2", "", "leave", "l5 r3", "", "r4"} {
		if change == "" {
			fixture.Must(t, p.rn.Propose([]byte("text")))
		} else {
			typ, data := fixture.ConfChange(t, change)
			fixture.Must(t, p.rn.ProposeConfChange(parseChange(t, &raftpb.Entry{Type: &typ, Data: data})))
		}
		p.ready(t)
	}
	return p
}

// TestResumeAnywhere: a node that resumes at any applied index has the members
// that it had there, applies what comes after it, and ends with the members that
// it had in the end, whatever the snapshot.
func TestResumeAnywhere(t *testing.T) {
	dir := filepath.Join(memDir(t), "w")
	p := newProgram(t, dir)
	last, end := p.applied, p.confs[p.applied]
	if want := "voters [1] learners [5]"; end != want || last < 11 {
		t.Fatalf("%s after %d entries, want %s", end, last, want)
	}
	var joint uint64
	for snap := range last {
		if snap > 0 {
			cs, err := p.s.ConfStateAt(snap)
			fixture.Must(t, err)
			fixture.Must(t, p.s.CreateSnapshot(snap, cs, nil))
			fixture.Must(t, p.s.Close())
			p.s = reopen(t, dir, Options{Logger: quiet})
		}
		for applied := snap; applied <= last; applied++ {
			cs, err := p.s.ConfStateAt(applied)
			fixture.Must(t, err)
			if got, want := confText(cs), p.confs[applied]; got != want {
				t.Fatalf("snapshot at %d: at %d %s, want %s", snap, applied, got, want)
			}
			if len(cs.VotersOutgoing) > 0 {
				joint++
			}
			c := raftConfig(nil, 0)
			fixture.Must(t, p.s.Resume(c, applied))
			again := &program{s: p.s, applied: applied, confs: map[uint64]string{applied: confText(cs)}}
			again.rn, err = raft.NewRawNode(c)
			fixture.Must(t, err)
			again.ready(t)
			if again.applied != last || again.confs[last] != end {
				t.Fatalf("snapshot at %d, resumed at %d: at %d %s, want %s", snap, applied, again.applied, again.confs[last], end)
			}
		}
	}
	if joint == 0 {
		t.Error("no joint configuration was resumed")
	}
}

// TestTrapNewLog: a node that restarts on a log that is new has no voters, and
// raft does not say so. The storage does.
func TestTrapNewLog(t *testing.T) {
	for _, test := range []struct {
		name  string
		start func(s *DiskStorage) *raft.Config
		want  string
	}{
		{"RestartNode", func(s *DiskStorage) *raft.Config { return raftConfig(s, 0) }, "raft.StartNode gives"},
		{"Resume", func(s *DiskStorage) *raft.Config {
			c := raftConfig(nil, 0)
			fixture.Must(t, s.Resume(c, 0))
			return c
		}, "raft.StartNode gives"},
		{"IsNew was asked", func(s *DiskStorage) *raft.Config {
			s.IsNew()
			return raftConfig(s, 0)
		}, ""},
		{"IsNew was asked after Resume", func(s *DiskStorage) *raft.Config {
			c := raftConfig(nil, 0)
			fixture.Must(t, s.Resume(c, 0))
			s.IsNew()
			return c
		}, ""},
		{"the first Save was cut off", func(s *DiskStorage) *raft.Config {
			s.IsNew()
			fixture.Must(t, s.Save(nil, changeEntries(t, 1, "v1"), nil))
			return raftConfig(s, 0)
		}, "start it again in an empty directory"},
		{"members are to be applied", func(s *DiskStorage) *raft.Config {
			fixture.Must(t, s.Save(hard(1, 1, 1), changeEntries(t, 1, "v1"), nil))
			return raftConfig(s, 0)
		}, ""},
		{"a snapshot has members", func(s *DiskStorage) *raft.Config {
			fixture.Must(t, s.Save(hard(1, 1, 1), changeEntries(t, 1, ""), nil))
			fixture.Must(t, s.CreateSnapshot(1, &raftpb.ConfState{Voters: []uint64{1}}, nil))
			return raftConfig(s, 0)
		}, ""},
	} {
		logger, told := warnings()
		s := create(t, filepath.Join(memDir(t), "w"), Options{Logger: logger})
		c := test.start(s)
		for range 2 { // but once is enough
			members(t, c)
		}
		wantWarning(t, test.name, told.String(), test.want)
	}
}

func wantWarning(t *testing.T, name, told, want string) {
	t.Helper()
	if n := strings.Count(told, "level=WARN"); want == "" && n != 0 || want != "" && n != 1 || !strings.Contains(told, want) {
		t.Errorf("%s: warned %d times, want %q:\n%s", name, n, want, told)
	}
}

// TestTrapCheckpoint: with the checkpoint as raft.Config.Applied, a node does not
// know of members since the snapshot. The storage says so, and Resume knows them.
func TestTrapCheckpoint(t *testing.T) {
	const all, resume = "voters=(1 2 3)", "call Resume(config, applied)"
	bare := func(applied uint64) func(*DiskStorage) *raft.Config {
		return func(s *DiskStorage) *raft.Config { return raftConfig(s, applied) }
	}
	resumed := func(applied uint64) func(*DiskStorage) *raft.Config {
		return func(s *DiskStorage) *raft.Config {
			c := raftConfig(nil, 0)
			fixture.Must(t, s.Resume(c, applied))
			return c
		}
	}
	for _, test := range []struct {
		name                 string
		snapshot, checkpoint uint64
		config               func(s *DiskStorage) *raft.Config
		members, warned      string
	}{
		{"the trap", 0, 5, bare(5), "voters=()", resume},
		{"the trap with a snapshot of old", 1, 5, bare(5), "voters=(1)", resume},
		{"no snapshot", 0, 5, resumed(5), all, ""},
		{"a snapshot", 1, 5, resumed(5), all, ""},
		{"the application's own index", 1, 0, resumed(4), all, ""},
		{"in memory, a checkpoint for others", 0, 5, resumed(0), "voters=()", ""},
		{"in memory, with a snapshot", 3, 5, resumed(0), all, ""},
		{"a plain raft.Storage", 0, 0, bare(0), "voters=()", ""},
		{"a plain raft.Storage with a snapshot", 3, 0, bare(3), all, ""},
		{"the checkpoint is the snapshot's", 3, 3, bare(3), all, ""},
		{"no change since the snapshot", 3, 5, bare(5), all, ""},
	} {
		dir := filepath.Join(memDir(t), "w")
		s := create(t, dir, Options{Logger: quiet})
		fixture.Must(t, s.Save(hard(1, 1, 5), changeEntries(t, 1, "v1", "v2", "v3", "", ""), nil))
		if test.snapshot > 0 {
			cs, err := s.ConfStateAt(test.snapshot)
			fixture.Must(t, err)
			fixture.Must(t, s.CreateSnapshot(test.snapshot, cs, nil))
		}
		fixture.Must(t, s.SetCheckpoint(test.checkpoint))
		fixture.Must(t, s.Close())
		logger, told := warnings()
		s = reopen(t, dir, Options{Logger: logger})
		c := test.config(s)
		for range 2 {
			if got := members(t, c); got != test.members {
				t.Errorf("%s: %s, want %s", test.name, got, test.members)
			}
		}
		if _, _, err := s.InitialState(); err != nil { // somebody looks at it
			t.Errorf("%s: %v", test.name, err)
		}
		wantWarning(t, test.name, told.String(), test.warned)
	}
}

// TestResumeFails: what Raft would panic at is an error that says what to do, and
// leaves the configuration alone.
func TestResumeFails(t *testing.T) {
	for _, test := range []struct {
		name    string
		make    func(s *DiskStorage) error
		applied uint64
		want    error
		message string
	}{
		{"below the snapshot", func(s *DiskStorage) error {
			return errors.Join(s.Save(hard(1, 1, 5), changeEntries(t, 1, "v1", "", "", "", ""), nil), s.CreateSnapshot(4, oneVoter, nil))
		}, 3, raft.ErrCompacted, "restore the state machine from it"},
		{"behind the log", func(s *DiskStorage) error {
			return s.Save(hard(1, 1, 1), changeEntries(t, 1, "v1"), nil)
		}, 2, raft.ErrUnavailable, "the log ends at 1"},
		{"a log that was lost", func(s *DiskStorage) error { return nil }, 17, raft.ErrUnavailable, "the log ends at 0"},
		{"nothing is committed", func(s *DiskStorage) error {
			return s.Save(nil, changeEntries(t, 1, "v1"), nil)
		}, 1, walcore.ErrRefused, "no hard state"},
		{"changes that do not fit", func(s *DiskStorage) error {
			return s.Save(hard(1, 1, 2), changeEntries(t, 1, "v1", "leave"), nil)
		}, 2, confstate.ErrMisfit, "entry 2"},
		{"closed", func(s *DiskStorage) error { return s.Close() }, 0, walcore.ErrClosed, ""},
	} {
		s := create(t, filepath.Join(memDir(t), "w"), Options{Logger: quiet})
		fixture.Must(t, test.make(s))
		c := &raft.Config{}
		err := s.Resume(c, test.applied)
		if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.message) || c.Storage != nil || c.Applied != 0 {
			t.Errorf("%s: %v, want %v with %q", test.name, err, test.want, test.message)
		}
	}
}

// A commit index is not flushed when it moves alone, so power loss can leave one
// below what the application has applied. Raft would not start.
func TestResumeBehindCommit(t *testing.T) {
	s := create(t, filepath.Join(memDir(t), "w"), Options{Logger: quiet})
	fixture.Must(t, s.Save(hard(1, 1, 1), changeEntries(t, 1, "v1", "v2", ""), nil))
	c := raftConfig(nil, 0)
	fixture.Must(t, s.Resume(c, 2))
	if got := members(t, c); got != "voters=(1 2)" {
		t.Errorf("members %s", got)
	}
	hs, _, err := c.Storage.InitialState()
	if err != nil || hs.GetCommit() != 2 || hs.GetTerm() != 1 || hs.GetVote() != 1 {
		t.Errorf("hard state %v, %v", hs, err)
	}
	fixture.Must(t, s.Close())
	if _, _, err := c.Storage.InitialState(); err != walcore.ErrClosed {
		t.Errorf("closed: %v", err)
	}
}
