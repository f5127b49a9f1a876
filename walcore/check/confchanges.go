package check

import (
	"context"
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/confstate"
	"go.etcd.io/raft/v3/raftpb"
)

// changes are the log's configuration changes.
type changes struct {
	parsed, applied   int
	unparsed, misfits findings
}

// readChanges applies the configuration changes of a log in their order, to the conf
// state of its snapshot. Behind entries that are missing, and behind a change that could
// not be applied, it is not known who is in the group: changes there are only parsed.
func readChanges(ctx context.Context, log walcore.Log) (c changes, err error) {
	replay, next := begin(log.Meta().Snapshot)
	covered := next - 1
	for e := range log.Entries(0) {
		if ctx.Err() != nil {
			return c, ctx.Err()
		}
		if e.Index > covered {
			if e.Index != next {
				replay = nil
			}
			next = e.Index + 1
		}
		typ := raftpb.EntryType(e.Type)
		if !confstate.IsChange(typ) {
			continue
		}
		data, err := changeData(&e)
		if err != nil { // readPayloads has said so
			replay = nil
			continue
		}
		if e.Index <= covered {
			c.take(&e, data, nil)
		} else if !c.take(&e, data, replay) {
			replay = nil
		}
	}
	return c, nil
}

// take parses a change, and applies it if there is what to apply it to.
func (c *changes) take(e *walcore.Entry, data []byte, replay *confstate.Replay) (ok bool) {
	typ := raftpb.EntryType(e.Type)
	if _, err := confstate.Parse(typ, data); err != nil {
		c.unparsed.add(e, walcore.KindConfChange, "the configuration change does not parse: "+err.Error())
		return false
	}
	c.parsed++
	if replay == nil {
		return true
	}
	if err := replay.Apply(typ, e.Index, data); err != nil {
		c.misfits.add(e, walcore.KindConfChange, err.Error())
		return false
	}
	c.applied++
	return true
}

// changeData reads the data of a configuration change.
func changeData(e *walcore.Entry) ([]byte, error) {
	if e.Size > maxParsed {
		return nil, fmt.Errorf("%d bytes are no configuration change's", e.Size)
	}
	return e.Data()
}

// begin gives the conf state that changes are applied to, and the first index behind it.
// Where that is not known, there is no Replay.
func begin(s *walcore.Snapshot) (r *confstate.Replay, next uint64) {
	if s == nil {
		return nil, 1
	}
	cs := s.ConfState
	r, err := confstate.From(&raftpb.ConfState{Voters: cs.Voters, Learners: cs.Learners,
		VotersOutgoing: cs.VotersOutgoing, LearnersNext: cs.LearnersNext, AutoLeave: &cs.AutoLeave})
	if err != nil {
		r = nil
	}
	return r, s.Index + 1
}
