package explain

import (
	"cmp"
	"slices"
	"sort"

	"github.com/walfs/walfs/walcore/payload"
)

// report takes what was found into the report.
func (s *scan) report() {
	s.sentSnapshot(s.lastDead)
	if s.System == dgraph && (s.decoded > 0 || s.foreign == 0) {
		app := s.app().String()
		s.App = &app
	} else if s.System != dgraph {
		s.notKnown("app", "only Dgraph's entries are explained")
	} else {
		s.notKnown("app", "none of the entries that were read decodes as one of Dgraph's")
	}
	s.reportReplay()
	s.reportPending()
}

func (s *scan) reportReplay() {
	if s.replay == nil {
		return
	}
	r := &Replay{Handed: s.replay.Handed, Applied: s.replay.Applied, Sum: s.kinds.Total, Kinds: []Kind{}, Changes: []Change{}}
	for _, row := range s.kinds.Rows() {
		r.Kinds = append(r.Kinds, Kind{row.Name, row.Sum})
	}
	for _, kind := range changeKinds {
		if c := s.changes[kind]; c != nil {
			r.Changes = append(r.Changes, *c)
		}
	}
	s.Replay = r
}

// transactions reports whether it is known which there are, and says why not.
func (s *scan) transactions() bool {
	switch {
	case s.App == nil:
		s.notKnown("pending", "what the entries mean is not known")
	case s.app() != payload.Alpha:
		s.notKnown("pending", "the entries that begin a transaction are in the Alphas' logs, not in a Zero's")
	case s.Unreadable.key() != "":
		s.notKnown("pending", "%s", s.Unreadable.key())
	case s.Snapshot == nil:
		s.notKnown("pending", "the snapshot is not known")
	default:
		return true
	}
	return false
}

func (s *scan) reportPending() {
	if !s.transactions() {
		return
	}
	p := &Pending{Count: s.atCommit.len, Unknown: s.atCommit.untracked, Txns: []Txn{}}
	still := map[uint64]bool{}
	for _, txn := range s.txns.List() {
		still[txn.StartTs] = true
		if txn.First > s.commit {
			p.Behind++
		}
	}
	for _, txn := range s.committed {
		p.Txns = append(p.Txns, Txn{txn, s.fileOf(txn.First), !still[txn.StartTs]})
	}
	if len(p.Txns) > 0 {
		byTs := func(a, b Txn) int { return cmp.Compare(a.StartTs, b.StartTs) }
		oldest, newest := slices.MinFunc(p.Txns, byTs).StartTs, slices.MaxFunc(p.Txns, byTs).StartTs
		p.Oldest, p.Newest = &oldest, &newest
	}
	s.Pending = p
}

// fileOf is the name of the log file that holds an index.
func (s *scan) fileOf(index uint64) string {
	behind := sort.Search(len(s.LogFiles), func(k int) bool { return s.LogFiles[k].FirstIndex > index })
	if behind == 0 {
		return ""
	}
	return s.LogFiles[behind-1].Name
}

// key says which key is missing, if one is.
func (u Unreadable) key() string {
	switch {
	case u.NoKey > 0:
		return "entries are encrypted, and no key was given"
	case u.NoDataKey > 0:
		return "the data key of a log file is missing"
	}
	return ""
}
