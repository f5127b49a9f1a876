package membership

import (
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/confstate"
	"go.etcd.io/raft/v3/raftpb"
)

// HasVoters reports whether a log names voters as of its commit index. A node on one
// that names none elects nobody, itself neither, until a leader sends it entries.
// It reads no payloads, and no further than to the first configuration change: Raft
// has none that leaves a group without voters. It fails as Replay does.
func HasVoters(l walcore.Log) (bool, error) {
	cs, snapshot, commit, err := bounds(l.Meta())
	if err != nil {
		return false, err
	}
	if len(cs.Voters)+len(cs.VotersOutgoing) > 0 {
		return true, nil
	}
	next := snapshot + 1
	for e := range l.Entries(next) {
		if e.Index > commit {
			break
		}
		if confstate.IsChange(raftpb.EntryType(e.Type)) {
			return true, nil
		}
		if err := gap(l, next, e.Index-1); err != nil {
			return false, err
		}
		next = e.Index + 1
	}
	return false, atEnd(l, next, commit)
}
