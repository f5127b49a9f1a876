package payload

// Summarize implements Decoder. It never fails.
func (d *Dgraph) Summarize(s *Summary, e Entry) error {
	if s.common(e) {
		return nil
	}
	if !d.facts(&s.Facts, e) {
		s.undecoded(e.Data, d.hides(e.Data))
		return nil
	}
	if d.app == Zero {
		s.zeroProposal(s.proposal)
	} else {
		s.alphaProposal(s.proposal)
	}
	if s.Kind == KindOther {
		s.unsummarized(e.Data)
	}
	if len(s.Line) == 0 {
		s.text("empty ")
		s.text(s.Kind)
	}
	s.cut()
	return nil
}

// alphaProposal summarizes a Proposal that check has passed. The numbers are
// those of dgraph.proto, here and below.
func (s *Summary) alphaProposal(m message) {
	var kvs, kvBytes int
	decided := false
	for f := m.fields(); f.next(); {
		switch f.num {
		case 4:
			kvs++
			kvBytes += len(f.b)
		case 5:
			s.membership(f.message())
		case 6:
			s.part("clean predicate ")
			s.name(predicateName(f.b))
		case 8:
			if !decided { // parts are one
				s.delta(s.decisions)
			}
			decided = true
		case 9:
			s.snapshot(f.message())
		case 12:
			s.restore(f.message())
		case 13:
			s.part("change data sent up to ")
			s.uint(f.message().number(1))
		case 14:
			s.deleteNs(f.message())
		case 17:
			s.extSnapshot(f.message())
		}
	}
	if s.mutations.plan != nil {
		s.mutation(s.mutations)
	}
	if kvs > 0 {
		s.part("")
		s.uint(uint64(kvs))
		s.text(" key-values, ")
		s.uint(uint64(kvBytes))
		s.text(" bytes")
	}
}

func (s *Summary) mutation(m message) {
	var dropOp uint64
	var dropValue []byte
	var schema, types int
	drops := s.Is(KindDrop)
	for f := m.fields(); f.next(); {
		switch f.num {
		case 3:
			if !drops { // to read all edges once more would cost as much as the facts
				continue
			}
			if e := edgeOf(f.message()); e.dropsPredicate() {
				s.part("drop predicate ")
				s.name(predicateName(e.Attr))
			}
		case 4:
			schema++
		case 6:
			types++
		case 7:
			dropOp = f.u
		case 8:
			dropValue = f.b
		}
	}
	if dropOp != 0 {
		s.part("drop ")
		s.text(dropName(dropOp))
		if len(dropValue) > 0 {
			s.text(" ")
			s.name(predicateName(dropValue))
		}
	}
	if schema+types > 0 {
		s.schema(m, schema, types)
	}
	if s.Edges > 0 {
		s.edges()
	}
}

func dropName(op uint64) string {
	names := [...]string{1: "ALL", 2: "DATA", 3: "TYPE", 4: "ALL_IN_NS"}
	if op < uint64(len(names)) {
		return names[op]
	}
	return "of an unknown kind"
}

func (s *Summary) edges() {
	s.part("txn ")
	s.uint(s.StartTs)
	s.text(": ")
	s.uint(uint64(s.Edges))
	if s.Edges == 1 {
		s.text(" edge")
	} else {
		s.text(" edges")
	}
	if s.Deletes > 0 {
		s.text(" (")
		s.uint(uint64(s.Deletes))
		s.text(" deleted)")
	}
	s.text(": ")
	n := 0
	for _, p := range s.Predicates {
		if p.Edges > 0 {
			n++
		}
	}
	i := 0
	for _, p := range s.Predicates {
		if p.Edges == 0 {
			continue
		}
		if !s.listed(i, n) {
			break
		}
		i++
		s.name([]byte(p.Name))
		s.text(" ")
		s.uint(uint64(p.Edges))
	}
}

// delta writes how many transactions are decided where they are more than one, then
// each in the order stored.
func (s *Summary) delta(m message) {
	s.decided(m)
	if ts := m.number(2); ts != 0 {
		s.part("max_assigned ")
		s.uint(ts)
	}
	if len(s.Line) > 0 {
		return
	}
	// A delta with nothing but checksums: Dgraph writes one for each tablet.
	for f := m.fields(); f.next(); {
		if f.num == 3 {
			s.part("checksum of group ")
			s.uint(f.message().number(1))
			s.text(" ")
			s.uint(f.message().number(2))
		}
		if len(s.Line) > maxLine {
			break
		}
	}
}

// decided writes the transactions of an OracleDelta or a TxnContext.
func (s *Summary) decided(m message) {
	n := 0
	for range m.txns {
		n++
	}
	if n > 1 {
		s.part("")
		s.uint(uint64(n))
		s.text(" txns: ")
	} else if n == 1 {
		s.part("")
	}
	i, last := 0, ""
	for txn := range m.txns {
		if !s.listed(i, n) {
			break
		}
		i++
		verb := KindCommit
		if txn.CommitTs == 0 {
			verb = KindAbort
		}
		if verb != last {
			s.text(verb)
			s.text(" ")
		}
		last = verb
		s.uint(txn.StartTs)
		if txn.CommitTs != 0 {
			s.text(" -> ")
			s.uint(txn.CommitTs)
		}
	}
}
