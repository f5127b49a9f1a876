package payload

import "go.etcd.io/raft/v3/raftpb"

// App is the application whose log it is.
type App uint8

// Dgraph has two kinds of node, each with a Raft log of its own.
const (
	Alpha App = iota
	Zero
)

func (a App) String() string {
	if a == Zero {
		return "zero"
	}
	return "alpha"
}

// Classifier decides whether a log is an Alpha's or a Zero's, by what decodes.
// It is fed the log's group id and its entries, in any order, until it has
// settled or there are no more. The zero value is ready for use.
//
// A group id other than 0 settles it: only Alphas have groups. Group id 0 is no
// proof, since an Alpha that never joined a group has it too. Then each entry
// that is wholly known to one schema and less well to the other counts; the
// snapshot blob counts only where no entry did.
type Classifier struct {
	inGroup     bool
	alpha, zero int // entries that the one schema knows better
	snapshot    int // above 0 for an Alpha's, below for a Zero's
}

// enough is the lead at which the rest of the log is not waited for.
const enough = 8

// GroupID takes the group id in the log's metadata.
func (c *Classifier) GroupID(id uint64) { c.inGroup = c.inGroup || id != 0 }

// Entry takes an entry and reports whether the question is settled.
func (c *Classifier) Entry(e Entry) (settled bool) {
	if c.Settled() {
		return true
	}
	s := builtin()
	switch {
	case raftpb.EntryType(e.Type) == raftpb.EntryNormal && len(e.Data) > keySize && !printable(e.Data):
		c.vote(s.proposal.check(e.Data[keySize:]), s.zeroProposal.check(e.Data[keySize:]))
	case e.isConfChange():
		// A Zero's contexts name no group. That an Alpha's do not either
		// before it has joined one proves nothing the other way.
		if context, ok := RaftContextOf(e); ok && context.Group != 0 {
			c.alpha++
		}
	}
	return c.Settled()
}

func (c *Classifier) vote(alpha, zero fit) {
	switch {
	case alpha > zero && alpha > partly:
		c.alpha++
	case zero > alpha && zero > partly:
		c.zero++
	}
}

// Snapshot takes the application's snapshot blob.
func (c *Classifier) Snapshot(blob []byte) {
	s := builtin()
	alpha, zero := s.snapshot.check(blob), s.zeroSnapshot.check(blob)
	switch {
	case alpha > zero && alpha > partly:
		c.snapshot = 1
	case zero > alpha && zero > partly:
		c.snapshot = -1
	}
}

// Settled reports whether further entries are not needed.
func (c *Classifier) Settled() bool {
	return c.inGroup || c.alpha-c.zero >= enough || c.zero-c.alpha >= enough
}

// App returns the answer as of now. Where nothing speaks for either, it is Zero:
// a log with group id 0 and nothing of an Alpha in it.
func (c *Classifier) App() App {
	switch {
	case c.inGroup || c.alpha > c.zero:
		return Alpha
	case c.zero > c.alpha:
		return Zero
	case c.snapshot > 0:
		return Alpha
	}
	return Zero
}
