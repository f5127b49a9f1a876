package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// node is a member of the group: a raft.Node, its log on disk, and the state
// machine that applies what is committed.
type node struct {
	id      uint64
	net     *network
	storage *storage.DiskStorage
	raft    raft.Node
	kv      kv
	every   uint64 // entries between two snapshots

	// Only the loop looks at these.
	applied  uint64            // the last applied index
	conf     *raftpb.ConfState // the members as of applied
	snapshot uint64            // the last snapshot's index

	leads   atomic.Bool
	waiting sync.Map // of a command's id: a channel that is closed when it is applied

	stop context.CancelFunc
	done sync.WaitGroup
	err  error // why the loop has ended; read it when done
}

// dir is where the node with an id has its log.
func dir(base string, id uint64) string { return filepath.Join(base, fmt.Sprintf("node%d", id)) }

// startNode opens the node's log and starts it. With create, the log is made if
// it is not there.
func startNode(o Options, net *network, id uint64, create bool) (*node, error) {
	storage, err := storage.Open(dir(o.Dir, id), storage.Options{Create: create, Logger: o.Logger})
	if err != nil {
		return nil, err
	}
	n := &node{id: id, net: net, storage: storage, every: o.SnapshotEvery, kv: kv{values: map[string]string{}}}
	if err := n.recall(); err != nil {
		return nil, errors.Join(err, storage.Close())
	}
	config := &raft.Config{
		ID:              id,
		ElectionTick:    10,
		HeartbeatTick:   1,
		MaxSizePerMsg:   1 << 20,
		MaxInflightMsgs: 64,
		CheckQuorum:     true,
		PreVote:         true,
		Logger:          quiet,
	}
	// The state machine is in memory and holds the snapshot: everything behind
	// that is applied again.
	if err := storage.Resume(config, n.applied); err != nil {
		return nil, errors.Join(err, storage.Close())
	}
	if storage.IsNew() {
		n.raft = raft.StartNode(config, o.peers())
	} else {
		n.raft = raft.RestartNode(config)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	inbox := net.join(id)
	n.done.Go(func() { n.receive(ctx, inbox) })
	n.done.Go(func() {
		n.err = n.loop(ctx, o.Tick)
		n.leads.Store(false)
		cancel()
	})
	return n, nil
}

// recall puts the state machine where the last snapshot left it.
func (n *node) recall() error {
	id := n.storage.RaftID()
	if id == 0 {
		return n.storage.SetRaftID(n.id)
	}
	if id != n.id {
		return fmt.Errorf("the log is node %d's, not node %d's", id, n.id)
	}
	snap, err := n.storage.Snapshot()
	if err != nil || raft.IsEmptySnap(snap) {
		return err
	}
	return n.restore(snap)
}

func (n *node) restore(snap *raftpb.Snapshot) error {
	md := snap.GetMetadata()
	n.applied, n.snapshot, n.conf = md.GetIndex(), md.GetIndex(), md.GetConfState()
	return n.kv.restore(snap.GetData())
}

// loop is what every program around a raft.Node has: do what each Ready asks
// for, in this order.
func (n *node) loop(ctx context.Context, tick time.Duration) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			n.raft.Tick()
		case rd := <-n.raft.Ready():
			if err := n.handle(rd); err != nil {
				return fmt.Errorf("node %d: %w", n.id, err)
			}
			n.raft.Advance()
		case <-ctx.Done():
			return nil
		}
	}
}

func (n *node) handle(rd raft.Ready) error {
	if rd.SoftState != nil {
		n.leads.Store(rd.SoftState.RaftState == raft.StateLeader)
	}
	// To disk first: a message may say that an entry is stored, or a vote
	// given. After an error the storage refuses all further work, and so
	// must the node.
	if err := n.storage.Save(rd.HardState, rd.Entries, rd.Snapshot); err != nil {
		return err
	}
	for _, m := range rd.Messages {
		n.send(m)
	}
	if !raft.IsEmptySnap(rd.Snapshot) {
		if err := n.restore(rd.Snapshot); err != nil {
			return err
		}
	}
	for _, e := range rd.CommittedEntries {
		if err := n.apply(e); err != nil {
			return err
		}
	}
	return n.maybeSnapshot()
}

// send hands a message to the network. Raft sends again what is lost, if it is
// told.
func (n *node) send(m *raftpb.Message) {
	sent := n.net.send(m)
	if !sent {
		n.raft.ReportUnreachable(m.GetTo())
	}
	if m.GetType() == raftpb.MsgSnap {
		status := raft.SnapshotFinish
		if !sent {
			status = raft.SnapshotFailure
		}
		n.raft.ReportSnapshot(m.GetTo(), status)
	}
}

// receive hands messages from the network to raft. It is not part of the loop:
// raft may take none until the loop has done what a Ready asks for.
func (n *node) receive(ctx context.Context, inbox <-chan *raftpb.Message) {
	for {
		select {
		case m := <-inbox:
			n.raft.Step(ctx, m) // fails only when the node ends
		case <-ctx.Done():
			return
		}
	}
}

func (n *node) apply(e *raftpb.Entry) error {
	switch e.GetType() {
	case raftpb.EntryConfChange:
		var cc raftpb.ConfChange
		if err := proto.Unmarshal(e.GetData(), &cc); err != nil {
			return fmt.Errorf("entry %d: %w", e.GetIndex(), err)
		}
		n.conf = n.raft.ApplyConfChange(&cc)
	case raftpb.EntryNormal:
		if len(e.GetData()) == 0 {
			break // a new leader's first entry
		}
		id, err := n.kv.apply(e.GetData())
		if err != nil {
			return err
		}
		if ch, ok := n.waiting.LoadAndDelete(id); ok {
			close(ch.(chan struct{}))
		}
	}
	n.applied = e.GetIndex()
	return nil
}

// maybeSnapshot stores a snapshot now and then, so that the log does not grow
// for ever. A node that lags behind it gets it from the leader.
func (n *node) maybeSnapshot() error {
	if n.applied < n.snapshot+n.every {
		return nil
	}
	data, err := n.kv.snapshot()
	if err != nil {
		return err
	}
	if err := n.storage.CreateSnapshot(n.applied, n.conf, data); err != nil {
		return err
	}
	n.snapshot = n.applied
	return n.storage.SetCheckpoint(n.applied)
}

// put proposes a value for a key, and waits until it is applied here. When it
// fails the value may still be applied, or not.
func (n *node) put(ctx context.Context, key, value string) error {
	// A number that is counted up would come again after a restart, when old
	// commands are applied again.
	c := command{ID: fmt.Sprintf("%016x", rand.Uint64()), Put: key, Value: value}
	applied := make(chan struct{})
	n.waiting.Store(c.ID, applied)
	defer n.waiting.Delete(c.ID)
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := n.raft.Propose(ctx, data); err != nil {
		return err
	}
	select {
	case <-applied:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends the node, and says why if it had ended before. What it has
// acknowledged is on disk.
func (n *node) close() error {
	n.net.leave(n.id)
	n.stop()
	n.done.Wait() // before raft ends, which would answer the loop with nothing
	n.raft.Stop()
	return errors.Join(n.err, n.storage.Close())
}
