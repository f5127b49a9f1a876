package payload

import "bytes"

// zero says what a ZeroProposal holds that check has passed.
func (f *Facts) zero() {
	var deletion message
	for p := f.proposal.fields(); p.next(); {
		switch p.num {
		case 1, 11:
			f.kind(KindSnapshot)
		case 2:
			f.kind(KindMember)
			f.member(p.message().number(1))
		case 3, 14:
			f.kind(KindTablet)
			f.predicate(p.message().bytes(2))
		case 4, 5, 6, 9, 12:
			f.kind(KindLease)
		case 7:
			f.kind(KindTxn)
			f.decisions.merge(p.message())
		case 13:
			f.kind(KindDeleteNs)
			deletion.merge(p.message())
		}
	}
	f.countDecisions()
	f.deleteNs(deletion)
	if f.decisions.plan != nil {
		f.conflicts(f.decisions)
	}
}

// conflicts names the predicates of a TxnContext, each stored as "<group>-<predicate>".
func (f *Facts) conflicts(txn message) {
	for t := txn.fields(); t.next(); {
		if t.num == 5 {
			if _, attr, ok := bytes.Cut(t.b, []byte("-")); ok {
				f.predicate(attr)
			}
		}
	}
}
