package explain

import "github.com/walfs/walfs/walcore"

const (
	// ShortTerm is how many entries a term has at least that is no short one. No time is
	// stored with most entries: that a leader wrote little is what tells that the next
	// election followed soon.
	ShortTerm = 10
	// mostTerms is how many terms of a sort are listed.
	mostTerms = 10
)

// elections sets what the terms tell, and the last one.
func (r *Report) elections(log walcore.Log) {
	e, terms := &r.Elections, log.Terms()
	e.Recent, e.Short, e.Skipped = []Term{}, []Term{}, []TermRange{}
	e.Terms = len(terms)
	if s := r.Snapshot; s != nil && s.Index > 0 {
		r.LastTerm = &s.Term
	}
	var before walcore.TermSpan
	for i, span := range terms {
		ended := r.HardState != nil && r.HardState.Term > span.Term
		if i < len(terms)-1 {
			ended = follows(span, terms[i+1])
		}
		// The first term has no leader's election before it, or not all of its entries.
		if ended && span.Count < ShortTerm && i > 0 && follows(before, span) {
			e.ShortCount++
			e.Short = lastOf(append(e.Short, term(log, span)))
		}
		if skipped := (TermRange{before.Term + 1, span.Term - 1}); skipped.First <= skipped.Last && follows(before, span) {
			e.SkippedCount += skipped.Last - skipped.First + 1
			e.Skipped = lastOf(append(e.Skipped, skipped))
		}
		before = span
		if len(terms)-i <= mostTerms {
			e.Recent = append(e.Recent, term(log, span))
		}
	}
	if n := len(terms); n > 0 && (r.LastTerm == nil || terms[n-1].Term > *r.LastTerm) {
		r.LastTerm = &terms[n-1].Term
	}
	last := uint64(0)
	if r.LastTerm != nil {
		last = *r.LastTerm
	}
	if h := r.HardState; h != nil && h.Term > last {
		e.Open = &TermRange{last + 1, h.Term}
	}
}

// follows reports whether the entries of two terms follow one another. Between others there
// were more, of terms that nobody knows.
func follows(a, b walcore.TermSpan) bool { return b.First == a.Last+1 }

func lastOf[T any](list []T) []T { return list[max(0, len(list)-mostTerms):] }

func term(log walcore.Log, span walcore.TermSpan) Term {
	t := Term{Term: span.Term, First: span.First, Last: span.Last, Entries: span.Count}
	e, err := log.Entry(span.First)
	if err != nil {
		return t
	}
	if at, stored := e.Time(); stored {
		t.Began = &at
	}
	return t
}
