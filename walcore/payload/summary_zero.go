package payload

import "strconv"

// zeroProposal summarizes a ZeroProposal that check has passed.
func (s *Summary) zeroProposal(b []byte) {
	tablets := 0
	for f := (fields{msg: b}); f.next(); {
		switch f.num {
		case 1:
			s.kind(KindSnapshot)
			s.part("snapshot of group ")
			s.uint(number(f.b, 1))
			s.text(" at ts ")
			s.uint(number(f.b, 2))
		case 2:
			s.kind(KindMember)
			s.part("")
			s.member(f.b)
		case 3:
			s.kind(KindTablet)
			s.part("")
			s.tablet(f.b)
		case 4:
			s.lease("lease uids to ", f.u)
		case 5:
			s.lease("lease timestamps to ", f.u)
		case 6:
			s.lease("raft ids to ", f.u)
		case 7:
			s.kind(KindTxn)
			s.txn(f.b)
		case 9:
			s.kind(KindLease)
			s.part("cluster id ")
			s.name(f.b)
		case 11:
			s.kind(KindSnapshot)
			s.part("snapshot at ")
			s.uint(number(f.b, 1))
			s.text(" checkpoint_ts ")
			s.uint(number(f.b, 2))
		case 12:
			s.lease("lease namespaces to ", f.u)
		case 13:
			s.deleteNs(f.b)
		case 14:
			s.kind(KindTablet)
			if tablets < maxListed {
				s.part("")
				s.tablet(f.b)
			}
			tablets++
		}
	}
	if tablets > maxListed {
		s.part("")
		s.uint(uint64(tablets - maxListed))
		s.text(" more tablets")
	}
}

// lease writes up to which number Zero has handed out numbers of a kind.
func (s *Summary) lease(text string, to uint64) {
	s.kind(KindLease)
	s.part(text)
	s.uint(to)
}

// member writes "member 2 of group 1 at host:port, leader".
func (s *Summary) member(b []byte) {
	s.text("member ")
	s.uint(number(b, 1))
	s.text(" of group ")
	s.uint(number(b, 2))
	if addr := bytesOf(b, 3); len(addr) > 0 {
		s.text(" at ")
		s.name(addr)
	}
	s.flags(b, ", ", map[int]string{4: "leader", 5: "removed", 7: "learner", 13: "for cluster information only", 14: "group forced"})
}

// tablet writes "tablet 0-name in group 1", and what asks for a move.
func (s *Summary) tablet(b []byte) {
	s.text("tablet ")
	s.name(predicateName(bytesOf(b, 2)))
	s.text(" in group ")
	s.uint(number(b, 1))
	s.flags(b, ", ", map[int]string{3: "forced", 8: "removed", 9: "read-only"})
	if ts := number(b, 10); ts != 0 {
		s.text(", moved at ts ")
		s.uint(ts)
	}
	if size := number(b, 7); size != 0 {
		s.text(", ")
		s.Line = strconv.AppendInt(s.Line, int64(size), 10)
		s.text(" bytes on disk")
	}
}

// flags writes the names of the bools of b that are set, in order of number, with
// before in front of each.
func (s *Summary) flags(b []byte, before string, names map[int]string) {
	for num := range 20 {
		if name, ok := names[num]; ok && number(b, num) != 0 {
			s.text(before)
			s.text(name)
		}
	}
}

func (s *Summary) txn(b []byte) {
	startTs, commitTs := number(b, 1), number(b, 2)
	if number(b, 3) != 0 {
		commitTs = 0
	}
	committed, aborted := len(s.Committed), len(s.Aborted)
	s.decided(startTs, commitTs)
	s.decisions(s.Committed[committed:], s.Aborted[aborted:])
}

// snapshot writes an Alpha's Snapshot, and who proposed it.
func (s *Summary) snapshot(b []byte) {
	s.part("snapshot at ")
	s.uint(number(b, 2))
	s.text(" read_ts ")
	s.uint(number(b, 3))
	if ts := number(b, 5); ts != 0 {
		s.text(" since_ts ")
		s.uint(ts)
	}
	if context := bytesOf(b, 1); context != nil {
		s.text(" by node ")
		s.uint(number(context, 1))
		s.text(" of group ")
		s.uint(number(context, 2))
		if addr := bytesOf(context, 3); len(addr) > 0 {
			s.text(" at ")
			s.name(addr)
		}
		s.flags(context, ", ", map[int]string{5: "learner"})
	}
	s.flags(b, ", ", map[int]string{4: "done"})
}

// restore writes a RestoreRequest, of which only what holds no secret.
func (s *Summary) restore(b []byte) {
	s.part("restore group ")
	s.uint(number(b, 1))
	s.text(" at ts ")
	s.uint(number(b, 2))
	s.text(" from ")
	s.name(bytesOf(b, 3))
	if id := bytesOf(b, 4); len(id) > 0 {
		s.text(" backup ")
		s.name(id)
	}
}

func (s *Summary) deleteNs(b []byte) {
	s.kind(KindDeleteNs)
	s.part("delete namespace ")
	s.uint(number(b, 2))
	s.text(" in group ")
	s.uint(number(b, 1))
}

func (s *Summary) extSnapshot(b []byte) {
	s.part("external snapshot")
	s.flags(b, ", ", map[int]string{1: "start", 2: "finish", 3: "drop data"})
}

// state writes how much a MembershipState holds.
func (s *Summary) state(b []byte) {
	var groups, zeros, removed uint64
	for f := (fields{msg: b}); f.next(); {
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
	s.uint(number(b, 1))
	s.text(": ")
	s.uint(groups)
	s.text(" groups, ")
	s.uint(zeros)
	s.text(" zeros, ")
	s.uint(removed)
	s.text(" removed")
}
