package payload

import "strconv"

// zeroProposal summarizes a ZeroProposal that check has passed.
func (s *Summary) zeroProposal(m message) {
	tablets, decided := 0, false
	for f := m.fields(); f.next(); {
		switch f.num {
		case 1:
			s.part("snapshot of group ")
			s.uint(f.message().number(1))
			s.text(" at ts ")
			s.uint(f.message().number(2))
		case 2:
			s.part("")
			s.member(f.message())
		case 3:
			s.part("")
			s.tablet(f.message())
		case 4:
			s.lease("lease uids to ", f.u)
		case 5:
			s.lease("lease timestamps to ", f.u)
		case 6:
			s.lease("raft ids to ", f.u)
		case 7:
			if !decided { // parts are one
				s.decided(s.decisions)
			}
			decided = true
		case 9:
			s.part("cluster id ")
			s.name(f.b)
		case 11:
			s.part("snapshot at ")
			s.uint(f.message().number(1))
			s.text(" checkpoint_ts ")
			s.uint(f.message().number(2))
		case 12:
			s.lease("lease namespaces to ", f.u)
		case 13:
			s.deleteNs(f.message())
		case 14:
			if tablets < maxListed {
				s.part("")
				s.tablet(f.message())
			}
			tablets++
		}
	}
	if tablets > maxListed {
		s.Shortened = true
		s.part("")
		s.uint(uint64(tablets - maxListed))
		s.text(" more tablets")
	}
}

// lease writes up to which number Zero has handed out numbers of a kind.
func (s *Summary) lease(text string, to uint64) {
	s.part(text)
	s.uint(to)
}

// member writes "member 2 of group 1 at host:port, leader".
func (s *Summary) member(m message) {
	s.text("member ")
	s.uint(m.number(1))
	s.text(" of group ")
	s.uint(m.number(2))
	if addr := m.bytes(3); len(addr) > 0 {
		s.text(" at ")
		s.name(addr)
	}
	s.flags(m, ", ", map[int]string{4: "leader", 5: "removed", 7: "learner", 13: "for cluster information only", 14: "group forced"})
}

// tablet writes "tablet 0-name in group 1", and what asks for a move.
func (s *Summary) tablet(m message) {
	s.text("tablet ")
	s.name(predicateName(m.bytes(2)))
	s.text(" in group ")
	s.uint(m.number(1))
	s.flags(m, ", ", map[int]string{3: "forced", 8: "removed", 9: "read-only"})
	if ts := m.number(10); ts != 0 {
		s.text(", moved at ts ")
		s.uint(ts)
	}
	if size := m.number(7); size != 0 {
		s.text(", ")
		s.Line = strconv.AppendInt(s.Line, int64(size), 10)
		s.text(" bytes on disk")
	}
}

// flags writes the names of the bools of b that are set, in order of number, with
// before in front of each.
func (s *Summary) flags(m message, before string, names map[int]string) {
	for num := range 20 {
		if name, ok := names[num]; ok && m.number(num) != 0 {
			s.text(before)
			s.text(name)
		}
	}
}

// snapshot writes an Alpha's Snapshot, and who proposed it.
func (s *Summary) snapshot(m message) {
	s.part("snapshot at ")
	s.uint(m.number(2))
	s.text(" read_ts ")
	s.uint(m.number(3))
	if ts := m.number(5); ts != 0 {
		s.text(" since_ts ")
		s.uint(ts)
	}
	if context, ok := m.sub(1); ok {
		s.text(" by node ")
		s.uint(context.number(1))
		s.text(" of group ")
		s.uint(context.number(2))
		if addr := context.bytes(3); len(addr) > 0 {
			s.text(" at ")
			s.name(addr)
		}
		s.flags(context, ", ", map[int]string{5: "learner"})
	}
	s.flags(m, ", ", map[int]string{4: "done"})
}

// restore writes a RestoreRequest, of which only what holds no secret.
func (s *Summary) restore(m message) {
	s.part("restore group ")
	s.uint(m.number(1))
	s.text(" at ts ")
	s.uint(m.number(2))
	s.text(" from ")
	s.name(m.bytes(3))
	if id := m.bytes(4); len(id) > 0 {
		s.text(" backup ")
		s.name(id)
	}
}

func (s *Summary) deleteNs(m message) {
	s.part("delete namespace ")
	s.uint(m.number(2))
	s.text(" in group ")
	s.uint(m.number(1))
}

func (s *Summary) extSnapshot(m message) {
	s.part("external snapshot")
	s.flags(m, ", ", map[int]string{1: "start", 2: "finish", 3: "drop data"})
}

// membership writes how much a MembershipState holds.
func (s *Summary) membership(m message) {
	var groups, zeros, removed uint64
	for f := m.fields(); f.next(); {
		switch f.num {
		case 2:
			groups++
		case 3:
			zeros++
		case 7:
			removed++
		}
	}
	s.part("membership ")
	s.uint(m.number(1))
	s.text(": ")
	s.uint(groups)
	s.text(" groups, ")
	s.uint(zeros)
	s.text(" zeros, ")
	s.uint(removed)
	s.text(" removed")
}
