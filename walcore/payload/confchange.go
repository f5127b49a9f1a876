package payload

import (
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
)

// RaftContext is what Dgraph puts in the context of a configuration change.
type RaftContext struct {
	ID         uint64
	Group      uint32 // 0 in a Zero's log
	Addr       string
	SnapshotTs uint64
	IsLearner  bool
}

// isConfChange reports whether e is a configuration change of either version.
func (e Entry) isConfChange() bool {
	t := raftpb.EntryType(e.Type)
	return t == raftpb.EntryConfChange || t == raftpb.EntryConfChangeV2
}

// RaftContextOf returns the context of a configuration change, of either kind,
// if it is a RaftContext and nothing else.
func RaftContextOf(e Entry) (c RaftContext, ok bool) {
	b, ok := builtin().raftContextOf(e)
	if !ok {
		return c, false
	}
	return raftContext(b), true
}

func raftContext(b []byte) (c RaftContext) {
	for f := (message{builtin().raftContext, b}).fields(); f.next(); {
		switch f.num {
		case 1:
			c.ID = f.u
		case 2:
			c.Group = uint32(f.u)
		case 3:
			c.Addr = string(f.b)
		case 4:
			c.SnapshotTs = f.u
		case 5:
			c.IsLearner = f.u != 0
		}
	}
	return c
}

// Addresses returns the addresses of nodes in a snapshot's data, by id. An Alpha's
// has the address of the node that made the snapshot, a Zero's those of all Zeros.
func Addresses(app App, blob []byte) map[uint64]string {
	addresses := make(map[uint64]string)
	s := builtin()
	switch {
	case app == Alpha && s.snapshot.check(blob) != malformed:
		c := raftContext(message{s.snapshot, blob}.bytes(1))
		addresses[c.ID] = c.Addr
	case app == Zero && s.zeroSnapshot.check(blob) != malformed:
		state, ok := message{s.zeroSnapshot, blob}.sub(5)
		if !ok {
			break
		}
		for f := state.fields(); f.next(); {
			if f.num != 3 { // zeros
				continue
			}
			if member, ok := f.message().sub(2); ok {
				addresses[f.message().number(1)] = string(member.bytes(3))
			}
		}
	}
	return addresses
}

// raftContextOf returns the bytes of what RaftContextOf returns.
func (s *schema) raftContextOf(e Entry) (context []byte, ok bool) {
	context = e.context()
	return context, len(context) > 0 && s.raftContext.check(context) == exact
}

// context is what the application has put into a configuration change, if e is one.
func (e Entry) context() (context []byte) {
	if !e.isConfChange() {
		return nil
	}
	num := protowire.Number(4)
	if raftpb.EntryType(e.Type) == raftpb.EntryConfChangeV2 {
		num = 3
	}
	for f := (fields{msg: e.Data}); f.next(); {
		if f.num == num {
			context = f.b
		}
	}
	return context
}

// confChangePlan returns the plan of a configuration change's data.
func (s *schema) confChangePlan(e Entry) *messagePlan {
	if raftpb.EntryType(e.Type) == raftpb.EntryConfChangeV2 {
		return s.confChangeV2
	}
	return s.confChangeV1
}

// confChange writes an EntryConfChange or EntryConfChangeV2.
func (w *walker) confChange(e Entry) bool {
	s := builtin()
	plan := s.confChangePlan(e)
	context, isRaftContext := s.raftContextOf(e)
	_, isMember := memberOf(e)
	if plan == s.confChangeV2 {
		w.key(`"conf_change_v2":`)
	} else {
		w.key(`"conf_change":`)
	}
	if isRaftContext || isMember {
		w.hidden = plan.byName("context") // it is shown as what it is instead
	}
	ok := w.message(plan, e.Data)
	w.hidden = nil
	switch {
	case !ok:
		return false
	case isRaftContext:
		w.key(`"raft_context":`)
		return w.message(s.raftContext, context)
	case isMember:
		w.key(`"member":`)
		return w.json(context)
	}
	return true
}
