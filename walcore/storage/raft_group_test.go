package storage

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"log"
	"math/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// raftGroup is a group of nodes with a network that loses, doubles and delays messages,
// between nodes that stop and start again.
type raftGroup struct {
	t       *testing.T
	r       *rand.Rand
	async   bool // raft.Config.AsyncStorageWrites
	nodes   []*groupNode
	network []*raftpb.Message
	apart   map[uint64]bool   // nodes that are on the other side of a partition
	states  map[uint64]uint64 // what the state machine is after an index, on each node
	proved  map[string]int    // how often what the test is for has come up
}

// groupNode is a node whose state machine is a hash of the entries that it has applied.
type groupNode struct {
	*raftGroup
	id      uint64
	s       *DiskStorage
	rn      *raft.RawNode
	applied uint64
	state   uint64
	members *raftpb.ConfState
	local   []*raftpb.Message // to the local threads of AsyncStorageWrites
}

func (g *raftGroup) options() Options {
	return Options{Create: true, Logger: quiet, Checksums: g.async, limits: limits{slots: 20, bytes: format.PayloadAt + 2000}}
}

// start opens a node's storage and starts the node.
func (n *groupNode) start(dir string) {
	var err error
	n.s, err = Open(dir, n.options())
	fixture.Must(n.t, err)
	snap, err := n.s.Snapshot()
	fixture.Must(n.t, err)
	n.restore(snap)
	n.local = nil
	c := &raft.Config{ID: n.id, ElectionTick: 5, HeartbeatTick: 1, MaxSizePerMsg: 200, MaxInflightMsgs: 4, CheckQuorum: n.r.Intn(2) == 0,
		PreVote: n.r.Intn(2) == 0, AsyncStorageWrites: n.async, Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}}
	fixture.Must(n.t, n.s.Resume(c, n.applied))
	n.rn, err = raft.NewRawNode(c)
	fixture.Must(n.t, err)
	if n.s.IsNew() && n.id <= 3 {
		fixture.Must(n.t, n.rn.Bootstrap([]raft.Peer{{ID: 1}, {ID: 2}, {ID: 3}}))
	}
}

// restart stops a node, wherever it is, and starts it again. The commit index that was
// not flushed may be an older one then.
func (n *groupNode) restart() {
	n.proved["restarts"]++
	hs, snap := n.s.meta.hard, n.s.meta.snapIndex
	fixture.Must(n.t, n.s.Close())
	if hs.commit > snap && n.r.Intn(2) == 0 {
		b := meta.EncodeHardState(hs.term, hs.vote, snap+uint64(n.r.Intn(int(hs.commit-snap))))
		patch(n.t, n.s.path, format.MetaName, b.At, b.Bytes)
	}
	n.start(n.s.path)
}

func (n *groupNode) restore(snap *raftpb.Snapshot) {
	n.applied, n.members, n.state = snap.GetMetadata().GetIndex(), snap.GetMetadata().GetConfState(), 0
	if len(snap.Data) > 0 {
		n.state = binary.BigEndian.Uint64(snap.Data)
	}
	n.check()
}

// check compares the state with that of the other nodes at this index.
func (n *groupNode) check() {
	if want, ok := n.states[n.applied]; ok && want != n.state {
		n.t.Fatalf("node %d has applied up to %d, and not what others have", n.id, n.applied)
	}
	n.states[n.applied] = n.state
}

// ready does what a Ready asks for. A node that is cut off does only the first part.
func (n *groupNode) ready(cutOff bool) {
	rd := n.rn.Ready()
	if n.async {
		for _, m := range rd.Messages {
			n.send(m)
		}
		return
	}
	n.save(rd.HardState, rd.Entries, rd.Snapshot)
	if cutOff {
		n.restart()
		return
	}
	for _, m := range rd.Messages {
		n.send(m)
	}
	n.apply(rd.CommittedEntries)
	n.rn.Advance(rd)
}

// save stores what Raft asks for: none of it may be refused.
func (n *groupNode) save(hs *raftpb.HardState, entries []*raftpb.Entry, snap *raftpb.Snapshot) {
	last, _ := n.s.LastIndex()
	if err := n.s.Save(hs, entries, snap); err != nil {
		n.t.Fatalf("node %d: %v", n.id, err)
	}
	if len(entries) > 0 && entries[0].GetIndex() <= last {
		n.proved["rewrites"]++
	}
	if !raft.IsEmptySnap(snap) {
		n.proved["installs"]++
		n.restore(snap)
	}
}

func (n *groupNode) send(m *raftpb.Message) {
	if to := m.GetTo(); to == raft.LocalAppendThread || to == raft.LocalApplyThread {
		n.local = append(n.local, m)
		return
	}
	m = proto.Clone(m).(*raftpb.Message)
	if m.GetType() == raftpb.MsgSnap {
		n.rn.ReportSnapshot(m.GetTo(), raft.SnapshotFinish) // or so it thinks
	}
	n.network = append(n.network, m)
}

// work does the oldest task of a local thread.
func (n *groupNode) work() {
	m := n.local[0]
	n.local = n.local[1:]
	if m.GetTo() == raft.LocalAppendThread {
		n.save(&raftpb.HardState{Term: m.Term, Vote: m.Vote, Commit: m.Commit}, m.Entries, m.Snapshot)
	} else {
		n.apply(m.Entries)
	}
	for _, answer := range m.Responses {
		if answer.GetTo() == n.id {
			n.rn.Step(answer)
		} else {
			n.send(answer)
		}
	}
}

func (n *groupNode) apply(entries []*raftpb.Entry) {
	for _, e := range entries {
		if e.GetIndex() <= n.applied {
			continue // before a snapshot that has come since
		}
		h := fnv.New64a()
		fmt.Fprint(h, n.state, e.GetIndex(), e.GetTerm(), e.GetType(), string(e.GetData()))
		n.applied, n.state = e.GetIndex(), h.Sum64()
		n.check()
		if cc := parseChange(n.t, e); cc != nil {
			n.members = n.rn.ApplyConfChange(cc)
			n.proved["changes"]++
		}
	}
}

// snapshot takes one where the node is, now and then.
func (n *groupNode) snapshot() {
	if n.applied <= n.s.meta.snapIndex || n.members == nil || len(n.members.Voters) == 0 {
		return
	}
	data := binary.BigEndian.AppendUint64(nil, n.state)
	if err := n.s.CreateSnapshot(n.applied, n.members, data); err != nil {
		n.t.Fatalf("node %d: %v", n.id, err)
	}
	n.proved["snapshots"]++
}

// change proposes a change of members: one at a time, or several by way of a joint
// configuration.
func (n *groupNode) change() {
	if m := n.members; m != nil && len(m.VotersOutgoing) > 0 {
		n.rn.ProposeConfChange(&raftpb.ConfChangeV2{})
		return
	}
	cc := &raftpb.ConfChangeV2{}
	for range 1 + n.r.Intn(2) {
		cc.Changes = append(cc.Changes, &raftpb.ConfChangeSingle{Type: raftpb.ConfChangeType(n.r.Intn(4)).Enum(),
			NodeId: proto.Uint64(uint64(1 + n.r.Intn(len(n.nodes))))})
	}
	if !n.leavesVoters(cc) {
		return // Raft panics at a change that leaves none
	}
	n.rn.ProposeConfChange(cc)
}

// leavesVoters reports whether two voters are left after a change: Raft then goes on
// whatever else is under way.
func (n *groupNode) leavesVoters(cc *raftpb.ConfChangeV2) bool {
	voters := map[uint64]bool{}
	for _, id := range n.members.GetVoters() {
		voters[id] = true
	}
	for _, c := range cc.Changes {
		voters[c.GetNodeId()] = c.GetType() == raftpb.ConfChangeAddNode
	}
	left := 0
	for _, is := range voters {
		if is {
			left++
		}
	}
	return left >= 2
}

// deliver takes any message out of the network, and delivers it, or not, or twice.
func (g *raftGroup) deliver() {
	if len(g.network) == 0 {
		return
	}
	i := 0
	if g.r.Intn(4) == 0 {
		i = g.r.Intn(len(g.network))
	}
	m := g.network[i]
	if g.r.Intn(20) > 0 {
		g.network = append(g.network[:i:i], g.network[i+1:]...)
	}
	if g.apart[m.GetTo()] == g.apart[m.GetFrom()] && g.r.Intn(20) > 0 {
		n := g.nodes[m.GetTo()-1]
		// Raft takes over the members of a snapshot at once, and panics if changes from
		// before it are applied to them.
		for m.GetType() == raftpb.MsgSnap && len(n.local) > 0 {
			n.work()
		}
		// Raft refuses some, as those of a node that it does not know.
		n.rn.Step(proto.Clone(m).(*raftpb.Message))
	}
}

// step lets anything happen.
func (g *raftGroup) step(i int) {
	n := g.nodes[g.r.Intn(len(g.nodes))]
	switch k := g.r.Intn(1000); {
	case k < 350:
		g.deliver()
	case k < 470:
		n.rn.Tick()
	case k < 800:
		if len(n.local) > 0 {
			n.work()
		} else if n.rn.HasReady() {
			n.ready(g.r.Intn(200) == 0)
		}
	case k < 900:
		n.rn.Propose(fmt.Appendf(nil, "%d of node %d", i, n.id))
	case k < 915:
		n.change()
	case k < 925:
		n.rn.Campaign()
	case k < 935:
		n.rn.TransferLeader(uint64(1 + g.r.Intn(len(g.nodes))))
	case k < 985:
		n.snapshot()
	case k < 990:
		n.restart()
	default:
		clear(g.apart)
		for id := range g.r.Intn(3) {
			g.apart[uint64(1+g.r.Intn(len(g.nodes)))] = id%2 == 0
		}
	}
}

// What Raft asks for is never refused, whatever happens to the group, and all nodes
// apply the same.
func TestRaftIsNeverRefused(t *testing.T) {
	base := memDir(t)
	proved := map[string]int{}
	for seed := range fixture.Size(8, 60) {
		g := &raftGroup{t: t, r: rand.New(rand.NewSource(int64(seed))), async: seed%2 == 1, apart: map[uint64]bool{}, states: map[uint64]uint64{}, proved: proved}
		dir := filepath.Join(base, fmt.Sprint(seed))
		fixture.Must(t, os.Mkdir(dir, 0o700))
		for id := uint64(1); id <= 5; id++ {
			n := &groupNode{raftGroup: g, id: id}
			n.start(filepath.Join(dir, fmt.Sprint(id)))
			g.nodes = append(g.nodes, n)
		}
		for i := range 4000 {
			g.step(i)
		}
		for _, n := range g.nodes {
			proved["applied"] += int(n.applied)
			fixture.Must(t, n.s.Close())
		}
		fixture.Must(t, os.RemoveAll(dir))
	}
	t.Log(proved)
	for _, what := range []string{"rewrites", "installs", "snapshots", "changes", "restarts", "applied"} {
		if proved[what] == 0 {
			t.Errorf("there were no %s", what)
		}
	}
}
