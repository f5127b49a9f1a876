// Package cluster is a key-value store on three Raft nodes in one process: a
// small, whole example of go.etcd.io/raft/v3 on a storage.DiskStorage. node.go has
// the loop that every program around a raft.Node has.
//
//	c, err := cluster.Start(cluster.Options{Dir: dir, Nodes: 3})
//	…
//	defer c.Close()
//	err = c.Put(ctx, "city", "Oslo")
//
// Each node's log is in Dir/node1, Dir/node2, …: a directory of the native
// format that walfs shows and Dgraph opens.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"sync"
	"time"

	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3"
)

// Options say what a cluster is made of.
type Options struct {
	Dir           string // of the nodes' directories
	Nodes         int
	Tick          time.Duration // raft's clock: an election takes ten to twenty; 0 is 50 ms
	SnapshotEvery uint64        // entries between snapshots; 0 is 1,000
	Logger        *slog.Logger  // the storages'; nil is slog.Default()
}

// Cluster is a running group of nodes.
type Cluster struct {
	o   Options
	net *network

	mu    sync.Mutex       // protects nodes
	nodes map[uint64]*node // those that run
}

// quiet is raft's logger: what is worth telling, the program tells.
var quiet = &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}

// peers are the nodes that begin the group. Later its logs tell who is in it.
func (o Options) peers() []raft.Peer {
	var peers []raft.Peer
	for id := range uint64(o.Nodes) {
		peers = append(peers, raft.Peer{ID: id + 1})
	}
	return peers
}

// Start makes a new cluster, or goes on with the one that is in Dir.
func Start(o Options) (*Cluster, error) {
	if o.Tick == 0 {
		o.Tick = 50 * time.Millisecond
	}
	if o.SnapshotEvery == 0 {
		o.SnapshotEvery = 1000
	}
	c := &Cluster{o: o, net: newNetwork(), nodes: map[uint64]*node{}}
	for _, p := range o.peers() {
		n, err := startNode(o, c.net, p.ID, true)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.nodes[p.ID] = n
	}
	return c, nil
}

// Dir is where a node's log is.
func (c *Cluster) Dir(id uint64) string { return dir(c.o.Dir, id) }

// node gives a node that runs.
func (c *Cluster) node(id uint64) (*node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.nodes[id]; n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("node %d is not running", id)
}

// Campaign makes a node try to become the leader now.
func (c *Cluster) Campaign(ctx context.Context, id uint64) error {
	n, err := c.node(id)
	if err != nil {
		return err
	}
	return n.raft.Campaign(ctx)
}

// pause is how often what others do is looked at.
const pause = 5 * time.Millisecond

// wait calls ready until it says true.
func wait(ctx context.Context, ready func() bool) error {
	for !ready() {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Leader waits until there is a leader.
func (c *Cluster) Leader(ctx context.Context) (id uint64, err error) {
	err = wait(ctx, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, n := range c.nodes {
			if n.leads.Load() {
				id = n.id
			}
		}
		return id != 0
	})
	return id, err
}

// Put stores a value for a key. It goes to the leader, and to the next one if
// that gives up or takes too long: a value may go into the log twice.
func (c *Cluster) Put(ctx context.Context, key, value string) error {
	for {
		id, err := c.Leader(ctx)
		if err != nil {
			return err
		}
		n, err := c.node(id)
		if err != nil {
			continue // it has just been stopped
		}
		try, cancel := context.WithTimeout(ctx, 20*c.o.Tick)
		err = n.put(try, key, value)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// Values are what a node has applied.
func (c *Cluster) Values(id uint64) (map[string]string, error) {
	n, err := c.node(id)
	if err != nil {
		return nil, err
	}
	return n.kv.copy(), nil
}

// Storage gives a node's log, to look at.
func (c *Cluster) Storage(id uint64) (*storage.DiskStorage, error) {
	n, err := c.node(id)
	if err != nil {
		return nil, err
	}
	return n.storage, nil
}

// Stop ends a node. Its log stays.
func (c *Cluster) Stop(id uint64) error {
	c.mu.Lock()
	n := c.nodes[id]
	delete(c.nodes, id)
	c.mu.Unlock()
	if n == nil {
		return fmt.Errorf("node %d is not running", id)
	}
	return n.close()
}

// Restart starts a node that was stopped, from its log. Nobody else may have
// its directory open.
func (c *Cluster) Restart(id uint64) error {
	n, err := startNode(c.o, c.net, id, false)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes[id] = n
	return nil
}

// Close ends all nodes that run.
func (c *Cluster) Close() error {
	var errs []error
	for id := range c.o.Nodes {
		if _, err := c.node(uint64(id + 1)); err == nil {
			errs = append(errs, c.Stop(uint64(id+1)))
		}
	}
	return errors.Join(errs...)
}
