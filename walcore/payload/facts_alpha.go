package payload

// setProposal takes the key and the message of one of Dgraph's entries.
func (f *Facts) setProposal(data []byte, plan *messagePlan) {
	f.Key, f.HasKey = proposalKey(data), true
	f.proposal = message{plan, data[keySize:]}
}

// alpha says what a Proposal holds that check has passed. The numbers are those of
// dgraph.proto, here and below.
func (f *Facts) alpha() {
	var deletion message
	hasKVs := false
	for p := f.proposal.fields(); p.next(); {
		switch p.num {
		case 2:
			f.mutations.merge(p.message())
		case 4:
			hasKVs = true
		case 5:
			f.kind(KindState)
			f.state(p.message())
		case 6:
			f.kind(KindClean)
			f.predicate(p.b)
		case 8:
			f.kind(KindDelta)
			f.decisions.merge(p.message())
		case 9:
			f.kind(KindSnapshot)
			if context, ok := p.message().sub(1); ok {
				f.member(context.number(1))
			}
		case 12:
			f.kind(KindRestore)
		case 13:
			f.kind(KindCDC)
		case 14:
			f.kind(KindDeleteNs)
			deletion.merge(p.message())
		case 17:
			f.kind(KindExtSnapshot)
		}
	}
	f.countDecisions()
	f.deleteNs(deletion)
	if f.mutations.plan != nil {
		f.mutation()
	}
	if hasKVs {
		f.kind(KindKV)
	}
}

func (f *Facts) countDecisions() {
	for txn := range f.Txns() {
		if txn.CommitTs == 0 {
			f.Aborts++
		} else {
			f.Commits++
		}
	}
}

// deleteNs takes the namespace that a DeleteNsRequest deletes, if there is one.
func (f *Facts) deleteNs(m message) {
	if m.plan != nil {
		f.namespaces = append(f.namespaces, m.number(2))
	}
}

// mutation says what Mutations hold.
func (f *Facts) mutation() {
	var dropOp uint64
	var dropValue []byte
	schema := false
	for m := f.mutations.fields(); m.next(); {
		switch m.num {
		case 2:
			f.StartTs = m.u
		case 3:
			f.edge(edgeOf(m.message()))
		case 4:
			schema = true
			f.predicate(m.message().bytes(1))
		case 6:
			schema = true
		case 7:
			dropOp = m.u
		case 8:
			dropValue = m.b
		}
	}
	if dropOp != 0 {
		f.kind(KindDrop)
		if ns, ok := droppedNamespace(dropOp, dropValue); ok {
			f.namespaces = append(f.namespaces, ns)
		}
	}
	if schema {
		f.kind(KindSchema)
	}
	f.kindOfEdges()
}

// kindOfEdges makes an entry with edges a mutation, and one with Mutations that hold
// nothing else.
func (f *Facts) kindOfEdges() {
	if f.Edges > 0 || f.Kind == "" {
		f.kind(KindMutation)
	}
}

// edge counts an edge. One that drops its predicate belongs to no transaction, and only
// names it.
func (f *Facts) edge(e Edge) {
	p := f.predicate(e.Attr)
	if e.dropsPredicate() {
		f.kind(KindDrop)
		return
	}
	f.Edges++
	p.Edges++
	p.Bytes += e.Size
	if e.Op == OpDelete {
		f.Deletes++
		p.Deletes++
	}
}

// state names the members of a MembershipState: those of its groups, the Zeros, and
// those that were removed.
func (f *Facts) state(m message) {
	for s := m.fields(); s.next(); {
		switch s.num {
		case 2:
			if group, ok := s.message().sub(2); ok {
				f.membersOf(group, 1)
			}
		case 3:
			f.memberEntry(s.message())
		case 7:
			f.member(s.message().number(1))
		}
	}
}

// membersOf names the members in a map from raft id to Member.
func (f *Facts) membersOf(m message, num int) {
	for g := m.fields(); g.next(); {
		if int(g.num) == num {
			f.memberEntry(g.message())
		}
	}
}

func (f *Facts) memberEntry(entry message) { f.member(entry.number(1)) }
