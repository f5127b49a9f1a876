package storage

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// Encryption is turned on, and a rewrite begins in a file from before: at its
// first slot, so that nothing is left in it, or behind.
func TestRewriteAfterEncryptionIsOn(t *testing.T) {
	for _, from := range []uint64{1, 4, 11, 12} {
		for _, rewound := range []bool{false, true} {
			dir := filepath.Join(memDir(t), "w")
			s := create(t, dir, Options{limits: smallFiles, Logger: quiet})
			fixture.Must(t, s.Save(nil, someEntries(1, 1, 15), nil))
			fixture.Must(t, s.Close())
			opts := Options{Key: someKey, Plain: true, limits: smallFiles, Logger: quiet}
			s = reopen(t, dir, opts)
			if rewound {
				fixture.Must(t, s.Rewind(from-1))
			}
			rewritten := someEntries(2, from, 45)
			want := append(someEntries(1, 1, int(from)-1), rewritten...)
			fixture.Must(t, s.Save(hard(2, 1, 0), rewritten, nil))
			check := func() {
				t.Helper()
				wantLog(t, s, want...)
				for _, e := range want {
					if term, err := s.Term(e.GetIndex()); err != nil || term != e.GetTerm() {
						t.Fatalf("rewrite from %d: term of %d is %d, %v", from, e.GetIndex(), term, err)
					}
				}
				for _, g := range s.segments {
					if plain := g.header.KeyID == 0; g.entries() == 0 || plain != (g.first() < from) {
						t.Errorf("rewrite from %d: %s has %d entries from %d on, plain: %v", from, g.name, g.entries(), g.first(), plain)
					}
				}
				if files, err := filepath.Glob(filepath.Join(dir, "*.wal")); err != nil || len(files) != len(s.segments) {
					t.Errorf("rewrite from %d: files %v, %v", from, files, err)
				}
			}
			check()
			fixture.Must(t, s.CreateSnapshot(from+20, &raftpb.ConfState{Voters: []uint64{1}}, nil))
			fixture.Must(t, s.Close())
			s = reopen(t, dir, opts)
			if p := s.Problems(); len(p) > 0 {
				t.Error(p)
			}
			last := want[len(want)-1].GetIndex()
			wantLog(t, s, someEntries(2, from+21, int(last-from-20))...)
			fixture.Must(t, s.Close())
		}
	}
}

// A power loss in such a rewrite leaves the log up to some index.
func TestPowerLossAfterEncryptionIsOn(t *testing.T) {
	t.Parallel()
	c := newCrashTest(t, Options{Key: someKey, Plain: true}, 512, 1, 8)
	s, err := Open(c.live, Options{Create: true, Logger: quiet, limits: c.opts.limits})
	fixture.Must(t, err)
	w := c.now.next
	first := w.save("append", hardState{1, 1, 0}, w.run(c.random, 1, 1, 70, 100), nil)
	fixture.Must(t, first.do(s))
	fixture.Must(t, s.Close())
	for _, e := range first.next.entries {
		c.saved[[2]uint64{e.GetIndex(), e.GetTerm()}] = e
	}
	c.now = change{name: "open with a key", next: first.next}
	c.acknowledged()
	s, err = Open(c.live, c.opts)
	c.must(err)
	for i, from := range []uint64{s.segments[1].first(), 1, 1} {
		w := c.now.next
		c.apply(s, w.save("overwrite", hardState{uint64(i) + 2, 1, 0}, w.run(c.random, from, uint64(i)+2, 50, 100), nil))
	}
	c.must(s.Close())
	if _, err := os.Stat(filepath.Join(c.live, format.FileName(1))); !os.IsNotExist(err) {
		t.Errorf("the file that was emptied: %v", err)
	}
	t.Logf("%d states", c.states)
}
