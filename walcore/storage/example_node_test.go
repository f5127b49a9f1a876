package storage_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// node is Raft, its log on disk, and a state machine in memory: a list of texts.
type node struct {
	storage *storage.DiskStorage
	raft    raft.Node
	network *sync.Map // of ids: the raft.Nodes that run

	mu       sync.Mutex // protects what follows
	changed  *sync.Cond
	texts    []string
	applied  uint64            // the last entry that the state machine holds
	members  *raftpb.ConfState // as of there
	snapshot uint64            // the last snapshot's index
}

// start starts a node, and gives what ends it. Its log stays.
func start(id uint64, dir string, network *sync.Map) (n *node, end func()) {
	s, err := storage.Open(filepath.Join(dir, fmt.Sprint("node", id)), storage.Options{Create: true})
	check(err)
	n = &node{storage: s, network: network}
	n.changed = sync.NewCond(&n.mu)
	snap, err := s.Snapshot()
	check(err)
	n.restore(snap)
	config := &raft.Config{
		ID: id, ElectionTick: 100, HeartbeatTick: 1, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256,
		Storage: s, // Applied stays 0: all after the snapshot is applied again
		Logger:  &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
	}
	if s.IsNew() {
		n.raft = raft.StartNode(config, []raft.Peer{{ID: 1}, {ID: 2}, {ID: 3}})
	} else {
		n.raft = raft.RestartNode(config) // the log knows the members
	}
	network.Store(id, n.raft)
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		n.run(stop)
		network.Delete(id)
		n.raft.Stop()
		check(s.Close())
		close(stopped)
	}()
	return n, func() { close(stop); <-stopped }
}

func (n *node) run(stop <-chan bool) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			n.raft.Tick()
		case rd := <-n.raft.Ready():
			n.handle(rd)
			n.raft.Advance()
		case <-stop:
			return
		}
	}
}

// handle does what Raft asks for, in this order: to disk, to the others, to the
// state machine.
func (n *node) handle(rd raft.Ready) {
	check(n.storage.Save(rd.HardState, rd.Entries, rd.Snapshot))
	for _, m := range rd.Messages {
		n.send(m)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.restore(rd.Snapshot)
	for _, e := range rd.CommittedEntries {
		n.apply(e)
	}
	if n.applied >= n.snapshot+10 {
		check(n.storage.CreateSnapshot(n.applied, n.members, []byte(strings.Join(n.texts, "\n"))))
		n.snapshot = n.applied
	}
	n.changed.Broadcast()
}

// send gives a message to another node: a copy, as through a real network.
// Messages may be lost and overtake one another.
func (n *node) send(m *raftpb.Message) {
	status := raft.SnapshotFailure
	if to, ok := n.network.Load(m.GetTo()); ok {
		go to.(raft.Node).Step(context.Background(), proto.Clone(m).(*raftpb.Message))
		status = raft.SnapshotFinish
	} else {
		n.raft.ReportUnreachable(m.GetTo())
	}
	if m.GetType() == raftpb.MsgSnap { // Raft sends no more until it knows
		n.raft.ReportSnapshot(m.GetTo(), status)
	}
}

func (n *node) apply(e *raftpb.Entry) {
	switch e.GetType() {
	case raftpb.EntryConfChange:
		var cc raftpb.ConfChange
		check(proto.Unmarshal(e.GetData(), &cc))
		n.members = n.raft.ApplyConfChange(&cc)
	case raftpb.EntryConfChangeV2:
		var cc raftpb.ConfChangeV2
		check(proto.Unmarshal(e.GetData(), &cc))
		n.members = n.raft.ApplyConfChange(&cc)
	case raftpb.EntryNormal:
		if len(e.GetData()) > 0 { // a new leader's first entry is empty
			n.texts = append(n.texts, string(e.GetData()))
		}
	}
	n.applied = e.GetIndex()
}

// restore puts the state machine where a snapshot was taken, if there is one.
func (n *node) restore(snap *raftpb.Snapshot) {
	if !raft.IsEmptySnap(snap) {
		md := snap.GetMetadata()
		n.texts = strings.Split(string(snap.GetData()), "\n")
		n.applied, n.snapshot, n.members = md.GetIndex(), md.GetIndex(), md.GetConfState()
	}
}

// wait waits until the state machine holds some texts, and three voters are known.
func (n *node) wait(texts int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.texts) < texts || len(n.members.GetVoters()) < 3 {
		n.changed.Wait()
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A whole program around a raft.Node: three nodes, one of which stops, misses
// so much that it needs a snapshot, and starts again from its log.
func ExampleDiskStorage_node() {
	dir, err := os.MkdirTemp("", "example-")
	check(err)
	defer os.RemoveAll(dir)
	network := &sync.Map{}
	var nodes [3]*node
	var ends [3]func()
	for i := range nodes {
		nodes[i], ends[i] = start(uint64(i+1), dir, network)
		nodes[i].wait(0)
	}
	ctx := context.Background()
	check(nodes[0].raft.Campaign(ctx)) // or wait until Raft's clock says so
	check(nodes[0].raft.Propose(ctx, []byte("text 1")))
	nodes[2].wait(1)

	ends[2]()
	for i := range 30 {
		check(nodes[0].raft.Propose(ctx, []byte(fmt.Sprint("text ", i+2))))
	}
	nodes[0].wait(31)
	nodes[2], ends[2] = start(3, dir, network)
	for _, n := range nodes {
		n.wait(31)
	}

	for i, n := range nodes {
		ends[i]()
		fmt.Printf("node %d: %d texts, the last is %q; voters %d; has a snapshot: %v\n",
			i+1, len(n.texts), n.texts[30], n.members.Voters, n.snapshot > 0)
	}
	// Output:
	// node 1: 31 texts, the last is "text 31"; voters [1 2 3]; has a snapshot: true
	// node 2: 31 texts, the last is "text 31"; voters [1 2 3]; has a snapshot: true
	// node 3: 31 texts, the last is "text 31"; voters [1 2 3]; has a snapshot: true
}
