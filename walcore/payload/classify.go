package payload

import "go.etcd.io/raft/v3/raftpb"

// App is the application that wrote a log.
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

// Classifier decides whether a log is an Alpha's or a Zero's, by how its entries
// decode. It is given the log's group id, and its entries in any order, until it is
// certain or there are no more. The zero value is ready for use.
//
// A group id other than 0 makes it certain: only Alphas have groups. Group id 0
// proves nothing, since an Alpha that never joined a group has it too. Then each
// entry counts whose fields are all in one schema and that matches the other one
// less well. The snapshot counts only if the entries give no answer.
type Classifier struct {
	inGroup     bool
	alpha, zero int // how many entries match that schema better
	snapshot    int // above 0 for an Alpha's, below for a Zero's
}

// enough is how many entries more must speak for one application than for the
// other, so that the rest of the log need not be read.
const enough = 8

// GroupID takes the group id in the log's metadata.
func (c *Classifier) GroupID(id uint64) { c.inGroup = c.inGroup || id != 0 }

// Entry takes an entry and reports whether the answer is certain.
func (c *Classifier) Entry(e Entry) (certain bool) {
	if c.Certain() {
		return true
	}
	s := builtin()
	switch {
	case raftpb.EntryType(e.Type) == raftpb.EntryNormal && len(e.Data) > keySize && !printable(e.Data):
		c.vote(s.proposal.check(e.Data[keySize:]), s.zeroProposal.check(e.Data[keySize:]))
	case e.isConfChange():
		// A Zero's contexts never name a group, so one that does is an Alpha's.
		// One that does not can be either's: an Alpha names none before it has
		// joined a group.
		if context, ok := RaftContextOf(e); ok && context.Group != 0 {
			c.alpha++
		}
	}
	return c.Certain()
}

func (c *Classifier) vote(alpha, zero match) {
	switch {
	case alpha > zero && alpha > unknownFields:
		c.alpha++
	case zero > alpha && zero > unknownFields:
		c.zero++
	}
}

// Snapshot takes the application's snapshot blob.
func (c *Classifier) Snapshot(blob []byte) {
	s := builtin()
	alpha, zero := s.snapshot.check(blob), s.zeroSnapshot.check(blob)
	switch {
	case alpha > zero && alpha > unknownFields:
		c.snapshot = 1
	case zero > alpha && zero > unknownFields:
		c.snapshot = -1
	}
}

// Certain reports whether the answer is clear, so that no more entries are needed.
func (c *Classifier) Certain() bool {
	return c.inGroup || c.alpha-c.zero >= enough || c.zero-c.alpha >= enough
}

// App returns the answer as of now. If nothing speaks for either, it is Zero: such a
// log has no group, and nothing in it that only an Alpha writes.
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
