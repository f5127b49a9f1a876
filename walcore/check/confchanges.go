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
func readChanges(ctx context.Context, log walcore.Log, o *outline) (c changes, err error) {
	replay, next := begin(log.Meta().Snapshot)
	for _, index := range o.changes {
		if ctx.Err() != nil {
			return c, ctx.Err()
		}
		e, err := log.Entry(index)
		if err != nil {
			continue // it was an entry a moment ago: somebody writes
		}
		if index >= o.gap {
			replay = nil
		}
		data, err := changeData(&e)
		switch {
		case err != nil: // readPayloads has said so
			replay = nil
		case index < next: // the snapshot has it already
			c.take(&e, data, nil)
		case !c.take(&e, data, replay):
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
