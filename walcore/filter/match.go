package filter

import (
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// Match is what can be said of an entry without its payload.
type Match int

const (
	No      Match = iota
	Yes           // whatever the payload says
	Unknown       // the payload decides: see MatchesData
)

// Matches says whether an entry matches, as far as that shows without its payload.
func (f *Filter) Matches(e *walcore.Entry) Match {
	switch {
	case e.Index < f.First(), e.Index > f.Last(),
		f.term != 0 && e.Term != f.term,
		f.entryType != nil && e.Type != *f.entryType,
		!f.inTime(e),
		!f.mayMatch(e):
		return No
	case f.NeedsPayload():
		return Unknown
	}
	return Yes
}

// NeedsPayload reports whether it can depend on an entry's payload if it matches.
func (f *Filter) NeedsPayload() bool { return f.wantsFacts() || f.pattern != nil }

// wantsFacts reports whether a filter is about what an entry says.
func (f *Filter) wantsFacts() bool {
	return len(f.kinds) > 0 || f.wantsProposal() || f.member.isGiven()
}

// wantsProposal reports whether a filter is about what only the application's own entries
// have.
func (f *Filter) wantsProposal() bool {
	return f.predicate.isGiven() || f.uid.isGiven() || f.txn.isGiven() || f.key.isGiven() || f.namespace.isGiven()
}

// mayMatch reports whether an entry of this type and size can say what is asked for.
// Payloads of no bytes, and those that are too large, are not read anyway.
func (f *Filter) mayMatch(e *walcore.Entry) bool {
	switch {
	case e.Size == 0, e.Size > payload.MaxData:
		return true
	case e.Type == walcore.EntryConfChange, e.Type == walcore.EntryConfChangeV2:
		return !f.wantsProposal() && f.kinds.any(payload.KindConfChange, payload.KindText, payload.KindBinary)
	case e.Type == walcore.EntryNormal:
		return f.kinds.anyBut(payload.KindConfChange, payload.KindEmpty, payload.KindTooLarge)
	}
	return true
}

// MatchesData decides what Matches has left open. data may be nil where [payload.Data] gives
// none.
func (f *Filter) MatchesData(e *walcore.Entry, data []byte, d payload.Decoder) bool {
	entry := payload.EntryOf(e, data)
	if f.wantsFacts() {
		d.Facts(&f.facts, entry)
		if !f.matchesFacts(&f.facts) {
			return false
		}
	}
	if f.pattern == nil {
		return true
	}
	// Where a decoder fails, the text says so.
	f.text, _ = d.AppendJSON(f.text[:0], entry)
	return f.pattern.Match(f.text)
}

// matchesFacts says whether an entry that says this matches the filters about that.
func (f *Filter) matchesFacts(facts *payload.Facts) bool {
	return f.matchesKind(facts) &&
		(!f.predicate.isGiven() || namesPredicate(facts, f.predicate.value)) &&
		(!f.uid.isGiven() || hasUID(facts, f.uid.value)) &&
		(!f.txn.isGiven() || isOfTxn(facts, f.txn.value)) &&
		(!f.member.isGiven() || f.member.value.isOf(facts)) &&
		(!f.key.isGiven() || f.key.value.isOf(facts)) &&
		(!f.namespace.isGiven() || f.isInNamespace(facts))
}

func (f *Filter) matchesKind(facts *payload.Facts) bool {
	return len(f.kinds) == 0 || slices.ContainsFunc(f.kinds, facts.Is)
}

// namesPredicate reports whether an entry names a predicate: with its namespace, or without
// it and in any.
func namesPredicate(facts *payload.Facts, name string) bool {
	more := false
	for i := range facts.Predicates {
		p := facts.Predicates[i].Name
		if isPredicate(p, name) {
			return true
		}
		more = more || p == payload.MorePredicates
	}
	if !more {
		return false
	}
	for e := range facts.EachEdge() {
		if isPredicate(e.PredicateName(), name) {
			return true
		}
	}
	return false
}

func isPredicate(full, name string) bool {
	if full == name {
		return true
	}
	_, bare, _ := payload.SplitPredicate(full)
	return bare == name
}

// hasUID reports whether an edge begins or ends at a uid.
func hasUID(facts *payload.Facts, uid uint64) bool {
	for e := range facts.EachEdge() {
		if e.Entity == uid || e.ValueID == uid {
			return true
		}
	}
	return false
}

// isOfTxn reports whether an entry belongs to the transaction that began at ts, or decides
// it.
func isOfTxn(facts *payload.Facts, ts uint64) bool {
	if facts.StartTs == ts {
		return true
	}
	for txn := range facts.Txns() {
		if txn.StartTs == ts {
			return true
		}
	}
	return false
}

func (f *Filter) isInNamespace(facts *payload.Facts) bool {
	f.namespaces = facts.AppendNamespaces(f.namespaces[:0])
	return slices.Contains(f.namespaces, f.namespace.value)
}

// Forget lets go of the memory that MatchesData keeps for the next entry. It can be as large as
// an entry and its text.
func (f *Filter) Forget() { f.facts, f.namespaces, f.text = payload.Facts{}, nil, nil }
