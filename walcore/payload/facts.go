package payload

import (
	"cmp"
	"iter"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
)

// Facts are what an entry says, as numbers and names: for filters, and to be added up.
// They agree with the JSON: what that lists under unknown_fields is in neither.
//
// A Facts belongs to one goroutine, and is to be used again for the next entry. Its
// lists, and what its methods give, are valid until then, and as long as the entry's
// data are. Strings need no copy.
type Facts struct {
	// Kind is one of the Kind constants: what the entry is counted as. Dgraph
	// makes entries of one kind. One that is of several has the first of them here; Is
	// knows the others.
	Kind string

	// Key is the proposal key of one of Dgraph's entries: node id (16 bits), random
	// (32), counter (16).
	Key    uint64
	HasKey bool

	// StartTs is the transaction whose edges the entry holds, where there are any.
	StartTs        uint64
	Edges, Deletes int // how many edges, and how many of them delete

	// Commits and Aborts are how many transactions the entry decides.
	Commits, Aborts int

	// Predicates are those that the entry names, sorted by name: with edges, or, with
	// Edges 0, in a schema, a drop, a tablet or a Zero's transaction.
	Predicates []Predicate

	// Members are the raft ids of the nodes that the entry is about: whom a
	// configuration change adds or removes, a member, those of a membership. They are
	// sorted. Who proposed an entry is not among them: see Proposer.
	Members []uint64

	// Servers are the ids of all members of a group whose ids are strings, where the entry
	// says who they are. They are sorted.
	Servers []string

	kinds      []string
	namespaces []uint64 // those that are not in a predicate's name
	proposal   message
	request    message // etcd's, in the place of a proposal
	mutations  message
	decisions  message // an OracleDelta or a TxnContext
	command    command // of an application on HashiCorp's library

	// Each name gets a number when it is first seen, so that it is allocated once.
	ids   map[string]int // name to number
	names []string       // number to name
	rows  []int          // number to index in Predicates + 1, or 0
	used  []int          // numbers that are in Predicates now

	nameBytes int // of names
}

// Predicate says what an entry has of one predicate.
type Predicate struct {
	Name    string // "<namespace in hex>-<predicate>", in v20.11 the bare predicate
	Edges   int    // 0: the entry only names it
	Deletes int    // of Edges, those that delete
	Bytes   int    // encoded edges
}

// Txn is a transaction that was decided. A CommitTs of 0 is an abort.
type Txn struct{ StartTs, CommitTs uint64 }

// What Is takes beside the Kind constants.
const (
	KindCommit     = "commit"     // it commits a transaction
	KindAbort      = "abort"      // it aborts one
	KindMembership = "membership" // a node of the cluster, or all of them
)

// Is reports whether the entry is of a kind, as its first or as another one.
func (f *Facts) Is(kind string) bool {
	switch kind {
	case KindCommit:
		return f.Commits > 0
	case KindAbort:
		return f.Aborts > 0
	case KindMembership:
		return f.Is(KindMember) || f.Is(KindState)
	}
	return f.Kind == kind || slices.Contains(f.kinds, kind)
}

// Starts says whether the entry has edges of a transaction, and of which. Dgraph numbers
// transactions from 1: edges without a number belong to none.
func (f *Facts) Starts() (startTs uint64, ok bool) { return f.StartTs, f.Edges > 0 && f.StartTs > 0 }

// Proposer is the raft id of the node that proposed the entry. ok is false where the entry
// does not tell. Only its low 16 bits are in the key.
func (f *Facts) Proposer() (id uint64, ok bool) {
	id = f.Key >> 48
	return id, f.HasKey && id != 0
}

// Txns goes through the transactions that the entry decides, in the order stored.
func (f *Facts) Txns() iter.Seq[Txn] {
	return func(yield func(Txn) bool) {
		if f.decisions.plan != nil {
			f.decisions.txns(yield)
		}
	}
}

// txns goes through the transactions of an OracleDelta, or is the one of a TxnContext.
func (m message) txns(yield func(Txn) bool) {
	if m.plan == builtin().txnContext {
		yield(m.txn())
		return
	}
	for f := m.fields(); f.next(); {
		if f.num == 1 && !yield(f.message().txn()) {
			return
		}
	}
}

// txn is that of a TxnContext, or of a TxnStatus, which has no field 3.
func (m message) txn() (txn Txn) {
	aborted := false
	for f := m.fields(); f.next(); {
		switch f.num {
		case 1:
			txn.StartTs = f.u
		case 2:
			txn.CommitTs = f.u
		case 3:
			aborted = f.u != 0
		}
	}
	if aborted {
		txn.CommitTs = 0
	}
	return txn
}

// StoredKeys goes through the keys of the key-values that the entry holds, and those that
// a request of etcd's names: whatever it does with them, and of a range the first.
func (f *Facts) StoredKeys() iter.Seq[[]byte] {
	if f.command.app != otherApp {
		return f.command.keys()
	}
	return func(yield func([]byte) bool) {
		if f.request.plan != nil {
			builtinEtcd().eachKey(f.request, func(r keyRange) bool { return yield(r.key) })
			return
		}
		if f.proposal.plan != builtin().proposal {
			return
		}
		for kv := f.proposal.fields(); kv.next(); {
			if kv.num == 4 && !yield(kv.message().bytes(1)) {
				return
			}
		}
	}
}

// Facts implements Decoder.
func (d *Dgraph) Facts(f *Facts, e Entry) { d.facts(f, e) }

// facts sets f, and reports whether the entry is a proposal that decodes.
func (d *Dgraph) facts(f *Facts, e Entry) bool {
	if f.common(e) {
		return false
	}
	if !hasKey(e.Data) || !d.proposalPlan().parses(e.Data[keySize:]) {
		f.raw(e.Data)
		return false
	}
	f.setProposal(e.Data, d.proposalPlan())
	if d.app == Zero {
		f.zero()
	} else {
		f.alpha()
	}
	f.kind(KindOther)
	f.sort()
	return true
}

// kind adds a kind. The first one is the entry's Kind.
func (f *Facts) kind(kind string) {
	switch {
	case f.Kind == "":
		f.Kind = kind
	case kind != KindOther && !f.Is(kind):
		f.kinds = append(f.kinds, kind)
	}
}

// What bounds the names that are remembered from entry to entry, and maxNames those of
// one.
const (
	maxNames     = 1 << 16
	maxNameBytes = 16 << 20
)

// MorePredicates stands for the predicates of an entry that names more than 65,536.
const MorePredicates = "(more)"

func (f *Facts) reset() {
	for _, id := range f.used {
		f.rows[id] = 0
	}
	ids, names, rows, nameBytes := f.ids, f.names, f.rows, f.nameBytes
	if ids == nil || len(ids) > maxNames || nameBytes > maxNameBytes {
		ids, names, rows, nameBytes = make(map[string]int), nil, nil, 0
	}
	*f = Facts{Predicates: f.Predicates[:0], Members: f.Members[:0], Servers: f.Servers[:0], kinds: f.kinds[:0], namespaces: f.namespaces[:0],
		ids: ids, names: names, rows: rows, used: f.used[:0], nameBytes: nameBytes}
}

// common resets f and sets it for entries that mean the same in every log. It reports
// false for a normal entry with data, of which the decoder has to say what it is.
func (f *Facts) common(e Entry) bool {
	f.reset()
	switch {
	case e.TooLarge > 0:
		f.Kind = KindTooLarge
	case e.isConfChange():
		if !f.confChange(e) {
			f.raw(e.Data)
		}
	case len(e.Data) == 0:
		f.Kind = KindEmpty
	case e.isNormal():
		return false
	default:
		f.raw(e.Data)
	}
	return true
}

// raw sets the kind of data that do not parse.
func (f *Facts) raw(data []byte) {
	f.Kind = KindBinary
	if isText(data) {
		f.Kind = KindText
	}
}

// confChange reports whether the entry is a configuration change that decodes.
func (f *Facts) confChange(e Entry) bool {
	m := message{builtin().confChangePlan(e), e.Data}
	if !m.plan.parses(m.b) {
		return false
	}
	f.Kind = KindConfChange
	if raftpb.EntryType(e.Type) == raftpb.EntryConfChange {
		f.member(m.number(3))
		return true
	}
	for c := m.fields(); c.next(); {
		if c.num == 2 {
			f.member(c.message().number(2))
		}
	}
	f.sort()
	return true
}

// maxMembers bounds the nodes that are remembered of one entry.
const maxMembers = 1 << 16

func (f *Facts) member(id uint64) {
	if len(f.Members) < maxMembers {
		f.Members = append(f.Members, id)
	}
}

func (f *Facts) sort() {
	slices.SortFunc(f.Predicates, func(x, y Predicate) int { return cmp.Compare(x.Name, y.Name) })
	slices.Sort(f.Members)
	f.Members = slices.Compact(f.Members)
}

// predicate finds the place of a predicate in Predicates, or makes one.
func (f *Facts) predicate(attr []byte) *Predicate {
	attr = predicateName(attr)
	if len(f.Predicates) >= maxNames {
		if id, known := f.ids[string(attr)]; !known || f.rows[id] == 0 {
			attr = []byte(MorePredicates)
		}
	}
	id, known := f.ids[string(attr)]
	if !known {
		id = len(f.names)
		f.names = append(f.names, string(attr))
		f.rows = append(f.rows, 0)
		f.nameBytes += len(attr)
		f.ids[f.names[id]] = id
	}
	if f.rows[id] == 0 {
		f.Predicates = append(f.Predicates, Predicate{Name: f.names[id]})
		f.rows[id] = len(f.Predicates)
		f.used = append(f.used, id)
	}
	return &f.Predicates[f.rows[id]-1]
}
