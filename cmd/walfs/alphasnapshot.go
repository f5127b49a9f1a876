package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/payload"
)

// newAlphaSnapshot gives what the snapshot of a Dgraph Alpha holds.
func newAlphaSnapshot(s *writer, opts *snapshotOptions, dir string) (payload.AlphaSnapshot, error) {
	st := s.State()
	switch {
	case st.GroupID == 0:
		return payload.AlphaSnapshot{}, fmt.Errorf("group id 0: a Zero's log, or an Alpha's that never joined a group; "+
			"if it is an Alpha's: walfs set %s group_id=N", quoted(dir))
	case st.GroupID > math.MaxUint32:
		return payload.AlphaSnapshot{}, fmt.Errorf("group id %d: an Alpha has none above %d", st.GroupID, uint32(math.MaxUint32))
	case st.RaftID == 0:
		return payload.AlphaSnapshot{}, fmt.Errorf("raft id 0: an Alpha's snapshot says who made it; walfs set %s raft_id=N", quoted(dir))
	}
	return payload.AlphaSnapshot{
		Context: payload.RaftContext{ID: st.RaftID, Group: uint32(st.GroupID), Addr: addressOf(st.RaftID, opts, dir),
			IsLearner: slices.Contains(opts.learners, st.RaftID)},
		Index:  opts.index,
		ReadTs: opts.readTs,
	}, nil
}

// addressOf is a node's address, if the log has it. An Alpha does without.
func addressOf(id uint64, opts *snapshotOptions, dir string) string {
	read := readFlags{keyFile: opts.write.keyFile, plain: opts.write.plain}
	log, err := read.open(dir)
	if err != nil {
		return ""
	}
	defer log.Close()
	members, err := membership.Replay(log)
	if err != nil {
		return ""
	}
	for _, m := range members {
		if m.ID == id {
			return m.Address
		}
	}
	return ""
}

func alphaSnapshotText(s payload.AlphaSnapshot) string {
	address := "no address, which the log does not have"
	if s.Context.Addr != "" {
		address = "address " + s.Context.Addr
	}
	return fmt.Sprintf("raft id %d, group id %d, %s, read_ts %d", s.Context.ID, s.Context.Group, address, s.ReadTs)
}
