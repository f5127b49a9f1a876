package payload

import "go.etcd.io/raft/v3/raftpb"

// confChange summarizes a configuration change and reports whether it is one.
func (s *Summary) confChange(e Entry) bool {
	if builtin().confChangePlan(e).check(e.Data) == malformed {
		return false
	}
	s.Kind = KindConfChange
	if raftpb.EntryType(e.Type) == raftpb.EntryConfChange {
		s.change(number(e.Data, 2), number(e.Data, 3))
	} else {
		s.changes(e.Data)
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
	return true
}

// changes writes a ConfChangeV2. One without changes leaves a joint configuration.
func (s *Summary) changes(b []byte) {
	n := 0
	for f := (fields{msg: b}); f.next(); {
		if f.num == 2 {
			n++
		}
	}
	if n == 0 {
		s.text("leave joint configuration")
		return
	}
	i := 0
	for f := (fields{msg: b}); f.next(); {
		if f.num != 2 {
			continue
		}
		if !s.listed(i, n) {
			break
		}
		i++
		s.change(number(f.b, 1), number(f.b, 2))
	}
	switch number(b, 1) {
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
