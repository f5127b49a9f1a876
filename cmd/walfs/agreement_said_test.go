package main

import (
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/walfs/walfs/walcore/payload"
)

// said is what an entry says, as far as stats, explain and export count or filter it.
// saidByJSON makes it out of a line of JSON, saidByFacts out of payload.Facts.
type said struct {
	kind       string   // it is counted as
	kinds      []string // all that it is, sorted, for --kind
	proposer   uint64   // raft id, low 16 bits; 0: it has no key, or names none
	txn        uint64   // start_ts of its edges
	edges      sizes
	predicates map[string]sizes // those that it names, some of them without an edge
	decided    []payload.Txn    // in their order
	members    []uint64         // that it is about, sorted
	namespaces []uint64         // sorted
}

// sizes are edges, those of them that delete, and their bytes as encoded.
type sizes struct{ edges, deletes, bytes int }

func (s *sizes) add(deletes bool, bytes int) {
	s.edges++
	s.bytes += bytes
	if deletes {
		s.deletes++
	}
}

func saidByJSON(l *jsonLine) *said {
	s := &said{predicates: map[string]sizes{}}
	d := &l.Decoded
	if d.Key != nil {
		s.proposer = *d.Key >> 48
	}
	switch {
	case d.NotDecoded != nil:
		s.is(payload.KindTooLarge)
	case d.ConfChange != nil:
		s.is(payload.KindConfChange)
		s.members = append(s.members, d.ConfChange.Node)
	case d.ConfChangeV2 != nil:
		s.is(payload.KindConfChange)
		for _, c := range d.ConfChangeV2.Changes {
			s.members = append(s.members, c.Node)
		}
	case d.Proposal != nil:
		s.proposal(d.Proposal, l.edgeSizes())
	case d.Text != nil:
		s.is(payload.KindText)
	case d.Base64 != nil:
		s.is(payload.KindBinary)
	default:
		s.is(payload.KindEmpty)
	}
	return s.sorted()
}

// is adds a kind. The first is what the entry is counted as.
func (s *said) is(kind string) {
	if s.kind == "" {
		s.kind = kind
	}
	s.kinds = append(s.kinds, kind)
}

func (s *said) sorted() *said {
	for _, list := range []*[]uint64{&s.members, &s.namespaces} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	slices.Sort(s.kinds)
	s.kinds = slices.Compact(s.kinds)
	return s
}

func (s *said) proposal(p *jsonProposal, edgeSizes []int) {
	for _, part := range p.parts() {
		if part.there {
			s.is(part.kind)
		}
	}
	s.parts(p)
	if p.Mutations != nil {
		s.mutations(p.Mutations, edgeSizes)
	}
	if p.KV != nil {
		s.is(payload.KindKV)
	}
	if s.kind == "" {
		s.is(payload.KindOther)
	}
	if p.State != nil || p.Member != nil {
		s.is(payload.KindMembership)
	}
	for _, txn := range s.decided {
		if txn.CommitTs == 0 {
			s.is(payload.KindAbort)
		} else {
			s.is(payload.KindCommit)
		}
	}
}

type part struct {
	kind  string
	there bool
}

// parts are all that a proposal can have but for mutations and key-values, which come
// behind them, in the order of the schemas.
func (p *jsonProposal) parts() []part {
	return []part{
		{payload.KindSnapshot, p.SnapshotTs != nil},
		{payload.KindMember, p.Member != nil},
		{payload.KindTablet, p.Tablet != nil},
		{payload.KindLease, p.MaxUID != nil || p.MaxTxnTs != nil || p.MaxRaftID != nil},
		{payload.KindState, p.State != nil},
		{payload.KindClean, p.Clean != nil || p.CleanBase64 != nil},
		{payload.KindTxn, p.Txn != nil},
		{payload.KindDelta, p.Delta != nil},
		{payload.KindLease, p.CID != nil || p.CIDBase64 != nil},
		{payload.KindSnapshot, p.Snapshot != nil},
		{payload.KindRestore, p.Restore != nil},
		{payload.KindLease, p.MaxNsID != nil},
		{payload.KindCDC, p.CDC != nil},
		{payload.KindDeleteNs, p.DeleteNs != nil},
		{payload.KindTablet, p.Tablets != nil},
		{payload.KindExtSnapshot, p.ExtSnapshot != nil},
	}
}

// parts says what they name and decide.
func (s *said) parts(p *jsonProposal) {
	if p.Member != nil {
		s.members = append(s.members, p.Member.ID)
	}
	if p.State != nil {
		s.state(p.State)
	}
	if p.Snapshot != nil && p.Snapshot.Context != nil {
		s.members = append(s.members, p.Snapshot.Context.ID)
	}
	if p.Clean != nil || p.CleanBase64 != nil {
		s.names(deref(p.Clean), p.CleanBase64)
	}
	if p.Tablet != nil {
		s.names(p.Tablet.Predicate, p.Tablet.PredicateBase64)
	}
	for _, t := range p.Tablets {
		s.names(t.Predicate, t.PredicateBase64)
	}
	if p.DeleteNs != nil {
		s.namespaces = append(s.namespaces, p.DeleteNs.Namespace)
	}
	if p.Delta != nil {
		for _, txn := range p.Delta.Txns {
			s.decide(txn)
		}
	}
	if p.Txn != nil {
		s.decide(*p.Txn)
		for _, conflict := range p.Txn.Preds {
			if _, name, ok := strings.Cut(string(conflict), "-"); ok {
				s.names(name, nil)
			}
		}
	}
}

func (s *said) mutations(m *jsonMutations, edgeSizes []int) {
	s.txn = m.StartTs
	for i, e := range m.Edges {
		name := s.names(e.Attr, e.AttrBase64)
		if e.dropsPredicate() {
			s.is(payload.KindDrop)
			continue
		}
		deletes, size := e.Op == "DEL", edgeSizes[i]
		s.edges.add(deletes, size)
		p := s.predicates[name]
		p.add(deletes, size)
		s.predicates[name] = p
	}
	if m.DropOp != nil && m.DropOp != "NONE" {
		s.is(payload.KindDrop)
		digits, isHex := strings.CutPrefix(m.DropValue, "0x")
		if ns, err := strconv.ParseUint(digits, 16, 64); m.DropOp == "ALL_IN_NS" && isHex && err == nil {
			s.namespaces = append(s.namespaces, ns)
		}
	}
	for _, p := range m.Schema {
		s.is(payload.KindSchema)
		s.names(p.Predicate, p.PredicateBase64)
	}
	if m.Types != nil {
		s.is(payload.KindSchema)
	}
	if s.edges.edges > 0 || s.kind == "" {
		s.is(payload.KindMutation)
	}
}

// decide adds a decision. One that was aborted has no commit_ts that counts.
func (s *said) decide(txn jsonTxn) {
	if txn.Aborted {
		txn.CommitTs = 0
	}
	s.decided = append(s.decided, payload.Txn{StartTs: txn.StartTs, CommitTs: txn.CommitTs})
}

func (s *said) state(state *jsonState) {
	var ids []string
	for _, g := range state.Groups {
		ids = slices.AppendSeq(ids, maps.Keys(g.Members))
	}
	ids = slices.AppendSeq(ids, maps.Keys(state.Zeros))
	for _, id := range ids {
		n, _ := strconv.ParseUint(id, 10, 64)
		s.members = append(s.members, n)
	}
	for _, m := range state.Removed {
		s.members = append(s.members, m.ID)
	}
}

// names adds a predicate that the entry names, and its namespace. base64 has what is no
// UTF-8. The namespace is in front, in hex; its 8 bytes were there once.
func (s *said) names(text string, base64 []byte) string {
	if base64 != nil {
		text = string(base64)
	}
	if len(text) > 8 && text[0] == 0 {
		ns := strings.TrimLeft(hex.EncodeToString([]byte(text[:8])), "0")
		if ns == "" {
			ns = "0"
		}
		text = ns + "-" + text[8:]
	}
	if _, known := s.predicates[text]; !known {
		s.predicates[text] = sizes{}
	}
	digits, _, found := strings.Cut(text, "-")
	if ns, err := strconv.ParseUint(digits, 16, 64); found && err == nil && strconv.FormatUint(ns, 16) == digits {
		s.namespaces = append(s.namespaces, ns)
	}
	return text
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
