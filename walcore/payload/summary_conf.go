package payload

import "go.etcd.io/raft/v3/raftpb"

// confChange writes a configuration change.
func (s *Summary) confChange(e Entry) {
	m := message{builtin().confChangePlan(e), e.Data}
	if raftpb.EntryType(e.Type) == raftpb.EntryConfChange {
		s.change(m.number(2), m.number(3))
	} else {
		s.changes(m, s.change)
	}
	if c, ok := RaftContextOf(e); ok {
		s.text(" at ")
		s.name([]byte(c.Addr))
		if c.Group != 0 {
			s.text(" group ")
			s.uint(uint64(c.Group))
		}
		if c.IsLearner {
			s.text(", learner")
		}
	}
	s.cut()
}

// changes writes a ConfChangeV2, each of its changes with change. One without changes leaves
// a joint configuration.
func (s *Summary) changes(m message, change func(kind, node uint64)) {
	n := 0
	for f := m.fields(); f.next(); {
		if f.num == 2 {
			n++
		}
	}
	if n == 0 {
		s.text("leave joint configuration")
		return
	}
	i := 0
	for f := m.fields(); f.next(); {
		if f.num != 2 {
			continue
		}
		if !s.listed(i, n) {
			break
		}
		i++
		change(f.message().number(1), f.message().number(2))
	}
	switch m.number(1) {
	case 1:
		s.text(", joint")
	case 2:
		s.text(", joint until left")
	}
}

func (s *Summary) change(kind, node uint64) {
	verbs := [...]string{"add node ", "remove node ", "update node ", "add learner "}
	verb := "unknown change of node "
	if kind < uint64(len(verbs)) {
		verb = verbs[kind]
	}
	s.text(verb)
	s.uint(node)
}
