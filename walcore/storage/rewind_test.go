//go:build linux

package storage

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
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
			wantLog(t, s, all[:to]...)
			fixture.Must(t, s.Close())
			s = reopen(t, dir, opts)
			wantLog(t, s, all[:to]...)
			if p := s.Problems(); len(p) > 0 {
				t.Errorf("rewind to %d, opened again: %v", to, p)
			}
		}
		refused := func(to uint64, why string) {
			t.Helper()
			if err := s.Rewind(to); !errors.Is(err, walcore.ErrRefused) || !strings.Contains(err.Error(), why) {
				t.Errorf("rewind to %d: %v, want %q", to, err, why)
			}
			wantLog(t, s, all[:12]...)
		}
		refused(11, "entries up to 12 are committed")
		fixture.Must(t, s.SetState(State{RaftID: 1, Checkpoint: 11, Term: 1, Vote: 1, Commit: 11}))
		fixture.Must(t, s.CreateSnapshot(9, oneVoter, nil))
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

// After a power loss in a rewind the log ends somewhere between.
func TestPowerLossInRewind(t *testing.T) {
	fixture.NotForRace(t)
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
