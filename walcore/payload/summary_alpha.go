package payload

import (
	"cmp"
	"slices"
)

// Summarize implements Decoder. It never fails.
func (d *Dgraph) Summarize(s *Summary, e Entry) error {
	if s.common(e) {
		return nil
	}
	if !hasKey(e.Data) || d.proposalPlan().check(e.Data[keySize:]) == malformed {
		s.undecoded(e.Data, d.hides(e.Data))
		return nil
	}
	if d.app == Zero {
		s.zeroProposal(e.Data[keySize:])
	} else {
		s.alphaProposal(e.Data[keySize:])
	}
	if s.Kind == "" {
		s.Kind = KindOther
		s.uint(uint64(len(e.Data)))
		s.text(" bytes that summarize to nothing; the JSON has them all")
	}
	if len(s.Line) == 0 {
		s.text("empty ")
		s.text(s.Kind)
	}
	s.cut()
	return nil
}

// kind sets the kind, unless an earlier part of the entry has set it.
func (s *Summary) kind(kind string) {
	if s.Kind == "" {
		s.Kind = kind
	}
}

// alphaProposal summarizes a Proposal that check has passed. The numbers are
// those of dgraph.proto, here and below.
func (s *Summary) alphaProposal(b []byte) {
	var kvs, kvBytes int
	var mutations []byte
	for f := (fields{msg: b}); f.next(); {
		switch f.num {
		case 2:
			if mutations == nil {
				mutations = f.b
			} else { // parts merge; f.b has no spare capacity, so append copies
				mutations = append(mutations, f.b...)
			}
		case 4:
			kvs++
			kvBytes += len(f.b)
		case 5:
			s.kind(KindState)
			s.state(f.b)
		case 6:
			s.kind(KindClean)
			s.part("clean predicate ")
			s.name(predicateName(f.b))
		case 8:
			s.kind(KindDelta)
			s.delta(f.b)
		case 9:
			s.kind(KindSnapshot)
			s.snapshot(f.b)
		case 12:
			s.kind(KindRestore)
			s.restore(f.b)
		case 13:
			s.kind(KindCDC)
			s.part("change data sent up to ")
			s.uint(number(f.b, 1))
		case 14:
			s.deleteNs(f.b)
		case 17:
			s.kind(KindExtSnapshot)
			s.extSnapshot(f.b)
		}
	}
	if mutations != nil {
		s.mutations(mutations)
	}
	if kvs > 0 {
		s.kind(KindKV)
		s.part("")
		s.uint(uint64(kvs))
		s.text(" key-values, ")
		s.uint(uint64(kvBytes))
		s.text(" bytes")
	}
}

// number returns the last varint or fixed64 numbered num in b, or 0.
func number(b []byte, num int) (u uint64) {
	for f := (fields{msg: b}); f.next(); {
		if int(f.num) == num {
			u = f.u
		}
	}
	return u
}

// bytesOf returns the last text or submessage numbered num in b, or nil.
func bytesOf(b []byte, num int) (v []byte) {
	for f := (fields{msg: b}); f.next(); {
		if int(f.num) == num {
			v = f.b
		}
	}
	return v
}

// star is the value that means all values, in an edge that deletes.
const star = "_STAR_ALL"

func (s *Summary) mutations(b []byte) {
	var startTs, dropOp uint64
	var dropValue []byte
	var edges, deletes, schema, types int
	for f := (fields{msg: b}); f.next(); {
		switch f.num {
		case 2:
			startTs = f.u
		case 3:
			deleted, dropped := s.edge(f.b)
			if !dropped {
				edges++
			}
			if deleted && !dropped {
				deletes++
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
		s.kind(KindDrop)
		s.part("drop ")
		s.text(dropName(dropOp))
		if len(dropValue) > 0 {
			s.text(" ")
			s.name(predicateName(dropValue))
		}
	}
	if schema+types > 0 {
		s.kind(KindSchema)
		s.schema(b, schema, types)
	}
	if edges > 0 {
		s.kind(KindMutation)
		s.Started = append(s.Started, startTs)
		s.edges(startTs, edges, deletes)
	}
	s.kind(KindMutation)
}

func dropName(op uint64) string {
	names := [...]string{1: "ALL", 2: "DATA", 3: "TYPE", 4: "ALL_IN_NS"}
	if op < uint64(len(names)) {
		return names[op]
	}
	return "of an unknown kind"
}

// edge counts an edge and reports whether it deletes. An edge of entity 0 that deletes
// all values drops the predicate: it belongs to no transaction and is not counted.
func (s *Summary) edge(b []byte) (deleted, dropped bool) {
	var attr, value []byte
	var entity uint64
	for f := (fields{msg: b}); f.next(); {
		switch f.num {
		case 1:
			entity = f.u
		case 2:
			attr = f.b
		case 3:
			value = f.b
		case 8:
			deleted = f.u == 1
		}
	}
	if deleted && entity == 0 && string(value) == star {
		s.kind(KindDrop)
		s.part("drop predicate ")
		s.name(predicateName(attr))
		return true, true
	}
	s.count(attr, len(b), deleted)
	return deleted, false
}

func (s *Summary) edges(startTs uint64, edges, deletes int) {
	s.part("txn ")
	s.uint(startTs)
	s.text(": ")
	s.uint(uint64(edges))
	if edges == 1 {
		s.text(" edge")
	} else {
		s.text(" edges")
	}
	if deletes > 0 {
		s.text(" (")
		s.uint(uint64(deletes))
		s.text(" deleted)")
	}
	s.text(": ")
	slices.SortFunc(s.Predicates, func(x, y Predicate) int { return cmp.Compare(x.Name, y.Name) })
	for i, p := range s.Predicates {
		if !s.listed(i, len(s.Predicates)) {
			break
		}
		s.name([]byte(p.Name))
		s.text(" ")
		s.uint(uint64(p.Edges))
	}
}

func (s *Summary) delta(b []byte) {
	committed, aborted := len(s.Committed), len(s.Aborted)
	for f := (fields{msg: b}); f.next(); {
		if f.num == 1 {
			s.decided(number(f.b, 1), number(f.b, 2))
		}
	}
	s.decisions(s.Committed[committed:], s.Aborted[aborted:])
	if ts := number(b, 2); ts != 0 {
		s.part("max_assigned ")
		s.uint(ts)
	}
	if len(s.Line) > 0 {
		return
	}
	// A delta with nothing but checksums: Dgraph writes one for each tablet.
	for f := (fields{msg: b}); f.next(); {
		if f.num == 3 {
			s.part("checksum of group ")
			s.uint(number(f.b, 1))
			s.text(" ")
			s.uint(number(f.b, 2))
		}
		if len(s.Line) > maxLine {
			break
		}
	}
}

// decided adds a transaction to Committed or Aborted; a commit_ts of 0 is an abort.
func (s *Summary) decided(startTs, commitTs uint64) {
	if commitTs == 0 {
		s.Aborted = append(s.Aborted, startTs)
	} else {
		s.Committed = append(s.Committed, Commit{startTs, commitTs})
	}
}

func (s *Summary) decisions(committed []Commit, aborted []uint64) {
	for i, c := range committed {
		if i == 0 {
			s.part("commit ")
		}
		if !s.listed(i, len(committed)) {
			break
		}
		s.uint(c.StartTs)
		s.text(" -> ")
		s.uint(c.CommitTs)
	}
	for i, ts := range aborted {
		if i == 0 {
			s.part("abort ")
		}
		if !s.listed(i, len(aborted)) {
			break
		}
		s.uint(ts)
	}
}
