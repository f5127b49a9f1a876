package replica

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
)

// TestWatch: what happens to a directory is counted, its payloads are, and who waits hears of
// it.
func TestWatch(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{})
	defer w.Close()
	w.Append(20)
	log, err := detect.Open(dir, detect.Options{})
	fixture.Must(t, err)
	live := fsview.NewLive(fsview.New(log, nil))
	s := NewSet(Directory{Path: dir, Live: live})
	r := s.Replicas[0]
	if one, other := r.Now(), r.Now(); one != other {
		t.Error("two moments of one tree")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	defer func() {
		cancel()
		wait.Wait()
		live.Close()
	}()
	wait.Go(func() { live.Follow(ctx, func(_, _ *fsview.Tree, _ bool) {}) })
	wait.Go(func() { s.Run(ctx) })
	until := func(what string, ok func() bool) {
		t.Helper()
		for {
			next := s.Next()
			if ok() {
				return
			}
			select {
			case <-next:
			case <-t.Context().Done():
				t.Fatal(what)
			}
		}
	}
	counted := func(index uint64) func() bool {
		return func() bool { x := r.Tally(); return x != nil && x.Done && x.Through == index }
	}
	until("it is counted", counted(20))
	w.Append(5)
	until("what is appended is counted", counted(25))
	if r.Rewrites() != 0 {
		t.Errorf("%d rewrites by appending", r.Rewrites())
	}
	version := r.Version()
	w.Rewind(12)
	w.Append(3)
	until("a rewrite is seen", func() bool { return r.Rewrites() > 0 && r.Elections() > 0 })
	until("it is counted anew", func() bool { x := r.Tally(); return x.Done && x.Through < 25 })
	if r.Version() <= version {
		t.Error("the version has not grown")
	}
}

// TestRewritten: entries that are replaced or dropped at the end are a rewrite; those that come,
// and those that a snapshot stands for, are none.
func TestRewritten(t *testing.T) {
	span := func(term, first, last uint64) walcore.TermSpan {
		return walcore.TermSpan{Term: term, First: first, Last: last, Count: int(last - first + 1)}
	}
	type spans = []walcore.TermSpan
	for _, test := range []struct {
		before, after spans
		want          bool
	}{
		{nil, spans{span(1, 1, 5)}, false},
		{spans{span(1, 1, 5)}, nil, false},
		{spans{span(1, 1, 5)}, spans{span(1, 1, 9)}, false},
		{spans{span(1, 1, 5)}, spans{span(1, 1, 5), span(3, 6, 9)}, false},
		{spans{span(1, 1, 5)}, spans{span(1, 3, 6)}, false},
		{spans{span(1, 1, 5)}, spans{span(7, 6, 9)}, false},
		{spans{span(1, 1, 5)}, spans{span(1, 1, 4)}, true},
		{spans{span(1, 1, 5)}, spans{span(1, 1, 4), span(2, 5, 9)}, true},
		{spans{span(1, 1, 5), span(2, 6, 9)}, spans{span(1, 2, 7), span(3, 8, 9)}, true},
		{spans{span(1, 1, 2), span(2, 3, 4), span(3, 5, 6)}, spans{span(1, 2, 2), span(2, 3, 4), span(3, 5, 8)}, false},
	} {
		if got := rewritten(test.before, test.after); got != test.want {
			t.Errorf("%v, %v: %t", test.before, test.after, got)
		}
	}
}
