package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/walfs/walfs/cmd/walfs/cluster"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
)

func runDemo(ctx context.Context, opts demoOptions, stdout io.Writer) error {
	if opts.system != "" && !slices.Contains(detect.Systems, opts.system) {
		return wrongValue("--system", opts.system, detect.Systems)
	}
	ctx, stop := untilUnread(ctx)
	defer stop()
	tmp, err := os.MkdirTemp("", "walfs-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	s := &sights{out: stdout, tmp: tmp, once: opts.once}
	if opts.system == walcore.Dgraph || opts.system == "" {
		err = runCluster(ctx, s)
	} else {
		err = showCarried(ctx, s, opts.system)
	}
	if ctx.Err() != nil || errors.Is(err, syscall.EPIPE) { // Ctrl-C is how it ends, or a reader who has seen enough
		return nil
	}
	return err
}

// runCluster shows the log of a node that is running.
func runCluster(ctx context.Context, s *sights) error {
	c, err := cluster.Start(cluster.Options{Dir: s.tmp, Nodes: 3, SnapshotEvery: 150, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	s.dir, s.name, s.stops = c.Dir(1), "Node 1's log", tour
	d := &demo{Cluster: c, sights: s}
	return errors.Join(d.run(ctx), c.Close())
}

// untilUnread gives a context that ends when nobody reads what the process prints any
// more, as head does not after some lines. To die of SIGPIPE would leave the mount behind.
func untilUnread(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	gone := make(chan os.Signal, 1)
	signal.Notify(gone, syscall.SIGPIPE)
	go func() {
		select {
		case <-gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(gone)
		cancel()
	}
}

// demo is a cluster, and the tour of one of its logs.
type demo struct {
	*cluster.Cluster
	*sights
	written int // values
}

func (d *demo) run(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, time.Minute) // enough for the slowest machine
	defer cancel()
	if err := d.prepare(soon); err != nil {
		return err
	}
	return d.show(ctx)
}

// prepare is what happens before there is something to look at.
func (d *demo) prepare(ctx context.Context) error {
	d.tell("Three Raft nodes in this process, a key-value store on them, their logs in\n%s", filepath.Join(d.tmp, "node{1,2,3}"))
	// Node 1 must go on, for its log is looked at: node 2 is to lead.
	if err := d.Campaign(ctx, 2); err != nil {
		return err
	}
	first, err := d.elected(ctx)
	if err != nil {
		return err
	}
	if err := d.write(ctx, 100); err != nil {
		return err
	}
	if err := d.Stop(first); err != nil {
		return err
	}
	d.tell("Node %d is stopped.", first)
	if _, err := d.elected(ctx); err != nil {
		return err
	}
	if err := d.write(ctx, 100); err != nil {
		return err
	}
	if err := d.Restart(first); err != nil {
		return err
	}
	if err := d.agree(ctx); err != nil {
		return err
	}
	d.tell("Node %d is back. All nodes have the same %d values.", first, d.written)
	return d.tellSnapshot()
}

// elected waits for a leader, and says who it is.
func (d *demo) elected(ctx context.Context) (uint64, error) {
	id, err := d.Leader(ctx)
	if err != nil {
		return 0, err
	}
	s, err := d.Storage(id)
	if err != nil {
		return 0, err
	}
	hs, _, err := s.InitialState()
	if err != nil {
		return 0, err
	}
	d.tell("Node %d leads, in term %d.", id, hs.GetTerm())
	return id, nil
}

// writers is how many write at the same time: raft puts what comes together
// into one Ready, and the storage makes it durable at once.
const writers = 8

// write stores n more values, and says how long it took.
func (d *demo) write(ctx context.Context, n int) error {
	start := time.Now()
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < n && errs[w] == nil; i += writers {
				errs[w] = d.putOne(ctx, d.written+i)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	d.written += n
	d.tell("%d values are written, each on the disks of a majority: %v.", n, time.Since(start).Round(time.Millisecond))
	return nil
}

var cities = [...]string{"Oslo", "Lima", "Accra", "Quito", "Hanoi", "Turin", "Perth"}

func (d *demo) putOne(ctx context.Context, i int) error {
	return d.Put(ctx, fmt.Sprintf("user-%03d", i), cities[i%len(cities)])
}

// agree waits until all nodes have applied the same.
func (d *demo) agree(ctx context.Context) error {
	for {
		want, err := d.Values(1)
		if err != nil {
			return err
		}
		same := len(want) == d.written
		for id := uint64(2); id <= 3 && same; id++ {
			have, err := d.Values(id)
			if err != nil {
				return err
			}
			same = maps.Equal(want, have)
		}
		if same {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *demo) tellSnapshot() error {
	s, err := d.Storage(1)
	if err != nil {
		return err
	}
	snap, err := s.Snapshot()
	if err != nil {
		return err
	}
	st := s.Stats()
	d.tell("Node 1 has a snapshot at index %d. It has saved %d entries with %d flushes of the disk.",
		snap.GetMetadata().GetIndex(), st.Entries, st.Flushes)
	return nil
}

// show mounts node 1's log while values are written, and looks around in it.
func (d *demo) show(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var writing error
	wg.Go(func() {
		for writing == nil && ctx.Err() == nil {
			if writing = d.putOne(ctx, d.written); writing == nil {
				d.written++
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	err := d.tour(ctx)
	ended := ctx.Err() != nil
	cancel()
	wg.Wait()
	if !ended && errors.Is(writing, context.Canceled) {
		writing = nil
	}
	return errors.Join(err, writing)
}
