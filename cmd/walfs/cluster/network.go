package cluster

import (
	"sync"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// network carries messages between nodes, each with a channel of its own. Like
// any network it may lose some: those to a node that is down or behind.
type network struct {
	mu      sync.Mutex // protects inboxes
	inboxes map[uint64]chan *raftpb.Message
}

func newNetwork() *network { return &network{inboxes: map[uint64]chan *raftpb.Message{}} }

func (w *network) join(id uint64) <-chan *raftpb.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inboxes[id] = make(chan *raftpb.Message, 1024)
	return w.inboxes[id]
}

func (w *network) leave(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.inboxes, id)
}

// send reports whether the message is on its way. Nodes share no memory: each
// gets a copy, as through a real network.
func (w *network) send(m *raftpb.Message) bool {
	w.mu.Lock()
	inbox := w.inboxes[m.GetTo()]
	w.mu.Unlock()
	if inbox == nil {
		return false
	}
	select {
	case inbox <- proto.Clone(m).(*raftpb.Message):
		return true
	default:
		return false
	}
}
