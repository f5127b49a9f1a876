package cluster

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/walfs/walfs/walcore/dgraph"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, every uint64) (*Cluster, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	c, err := Start(Options{Dir: t.TempDir(), Nodes: 3, SnapshotEvery: every, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(func() {
		cancel()
		must(t, c.Close())
	})
	return c, ctx
}

// fill writes values from many goroutines.
func fill(t *testing.T, ctx context.Context, c *Cluster, want map[string]string, n int) {
	t.Helper()
	from := len(want)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := from + w; i < from+n; i += 8 {
				if err := c.Put(ctx, fmt.Sprint("key-", i), fmt.Sprint("value ", i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	for i := from; i < from+n; i++ {
		want[fmt.Sprint("key-", i)] = fmt.Sprint("value ", i)
	}
}

// agree wants every node that runs to have these values before long.
func agree(t *testing.T, ctx context.Context, c *Cluster, want map[string]string, ids ...uint64) {
	t.Helper()
	for _, id := range ids {
		must(t, wait(ctx, func() bool {
			have, err := c.Values(id)
			must(t, err)
			return maps.Equal(have, want)
		}))
	}
}

// Leaders fall one after the other, each comes back from its log, and what was
// acknowledged is there.
func TestLeadersFall(t *testing.T) {
	c, ctx := start(t, 40)
	want := map[string]string{}
	fill(t, ctx, c, want, 30)
	for range 3 {
		leader, err := c.Leader(ctx)
		must(t, err)
		must(t, c.Stop(leader))
		fill(t, ctx, c, want, 100) // some snapshots: the one that is away needs one
		must(t, c.Restart(leader))
		agree(t, ctx, c, want, 1, 2, 3)
	}
	for id := uint64(1); id <= 3; id++ {
		s, err := c.Storage(id)
		must(t, err)
		snap, err := s.Snapshot()
		must(t, err)
		if md := snap.GetMetadata(); md.GetIndex() == 0 || len(md.GetConfState().GetVoters()) != 3 {
			t.Errorf("node %d: snapshot %v", id, md)
		}
	}
}

// All nodes stop, and start again from their logs.
func TestAllRestart(t *testing.T) {
	c, ctx := start(t, 40)
	want := map[string]string{}
	fill(t, ctx, c, want, 70)
	for id := uint64(1); id <= 3; id++ {
		must(t, c.Stop(id))
		r, err := dgraph.OpenReader(c.Dir(id), dgraph.ReaderOptions{})
		must(t, err)
		if p := r.Problems(); len(p) > 0 {
			t.Errorf("node %d: %v", id, p)
		}
		must(t, r.Close())
	}
	for id := uint64(1); id <= 3; id++ {
		must(t, c.Restart(id))
	}
	fill(t, ctx, c, want, 10)
	agree(t, ctx, c, want, 1, 2, 3)
}

// A cluster that is closed goes on when it is started in the same folder, with the
// members that its logs name.
func TestStartAgain(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var told bytes.Buffer
	o := Options{Dir: t.TempDir(), Nodes: 3, SnapshotEvery: 40, Logger: slog.New(slog.NewTextHandler(&told, nil))}
	want := map[string]string{}
	for _, n := range []int{10, 60, 10} {
		c, err := Start(o)
		must(t, err)
		agree(t, ctx, c, want, 1, 2, 3)
		fill(t, ctx, c, want, n)
		agree(t, ctx, c, want, 1, 2, 3)
		must(t, c.Close())
	}
	if told.Len() > 0 {
		t.Errorf("the storages have said:\n%s", told.String())
	}
}

// A reader in the same process does not disturb a node, nor keeps it from starting
// again.
func TestReaderBesideNode(t *testing.T) {
	c, ctx := start(t, 40)
	want := map[string]string{}
	fill(t, ctx, c, want, 20)
	leader, err := c.Leader(ctx)
	must(t, err)
	r, err := dgraph.OpenReader(c.Dir(leader), dgraph.ReaderOptions{})
	must(t, err)
	fill(t, ctx, c, want, 100)
	if p := r.Problems(); len(p) > 0 {
		t.Errorf("%v", p)
	}
	must(t, c.Stop(leader))
	must(t, c.Restart(leader))
	must(t, r.Close())
	agree(t, ctx, c, want, 1, 2, 3)
}
