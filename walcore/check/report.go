package check

import (
	"cmp"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/replay"
	"github.com/walfs/walfs/walcore/status"
)

// Report is what was found. It is the JSON of walfs check.
type Report struct {
	Verdict string `json:"verdict"` // a sentence
	Sound   bool   `json:"sound"`   // no damage was found in what Checked says
	Starts  bool   `json:"starts"`  // a node of Dgraph's starts on the directory
	// Checked is what the report is made of, as in status.json: everything, or slots
	// where payloads take a key that was not given.
	Checked    string  `json:"checked"`
	FirstIndex *uint64 `json:"first_index"`
	LastIndex  *uint64 `json:"last_index"`
	Commit     *uint64 `json:"commit"`
	Replays    *Range  `json:"replays"` // what a node that starts applies; null: nothing, or it is not known
	Entries    uint64  `json:"entries"` // those that are whole
	Bytes      uint64  `json:"bytes"`   // of their payloads
	Unread     uint64  `json:"unread"`  // entries of which the payload takes a key that is not there

	Problems []Finding `json:"problems"` // damage
	Notes    []Finding `json:"notes"`    // what is no damage

	applies  uint64 // the index from which on a node that starts applies what it replays
	noVoters bool   // the log is known to name none as of its commit index
}

// Range is indexes, both ends included.
type Range struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// Finding is a problem, with what it means.
type Finding struct {
	walcore.Problem
	Node   string `json:"node"`   // what it means for a node that opens the directory
	Repair string `json:"repair"` // what walfs repair does

	effect Effect
}

// KeyMissing reports whether payloads were not read since no key was given.
func (r *Report) KeyMissing() bool {
	return slices.ContainsFunc(r.Notes, func(f Finding) bool { return f.AboutKey() })
}

// report makes the report of what was found.
func (c *checker) report(problems []walcore.Problem) *Report {
	r := &Report{Checked: status.CheckedEverything, Unread: uint64(c.noKey + c.noDataKey), Problems: []Finding{}, Notes: []Finding{}}
	if r.Unread > 0 {
		r.Checked = status.CheckedSlots
	}
	if i, ok := c.log.FirstIndex(); ok {
		r.FirstIndex = &i
	}
	if i, ok := c.log.LastIndex(); ok {
		r.LastIndex = &i
	}
	r.Entries, r.Bytes = c.outline.entries, c.outline.bytes
	m := c.log.Meta()
	if m.HardState != nil {
		r.Commit = &m.HardState.Commit
	}
	app := payload.Zero // as a Zero, other systems have no checkpoint
	if c.decoder != nil {
		app = c.decoder.App()
	}
	at := standing{m, app == payload.Alpha}
	for _, p := range problems {
		f := at.finding(p)
		if isNote(m.System.Name, p) {
			r.Notes = append(r.Notes, f)
		} else {
			r.Problems = append(r.Problems, f)
		}
	}
	slices.SortStableFunc(r.Problems, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Slot, b.Slot))
	})
	r.Sound = len(r.Problems) == 0
	r.replays(m, app)
	voters, err := membership.HasVoters(c.log)
	r.noVoters = err == nil && !voters
	r.conclude(m)
	return r
}

// replays sets the entries that Raft hands to an application which starts, and from which
// on it applies them.
func (r *Report) replays(m *walcore.Meta, app payload.App) {
	replays, err := replay.Of(m, app)
	if err != nil || r.FirstIndex == nil {
		return
	}
	handed := replays.Handed
	handed.First = max(handed.First, *r.FirstIndex)
	if !handed.Empty() {
		r.Replays, r.applies = &Range{First: handed.First, Last: handed.Last}, replays.Applied.First
	}
}

// standing says where entries stand: below the snapshot, applied, committed or not.
type standing struct {
	*walcore.Meta
	skips bool // the application passes over normal entries below its checkpoint
}

// finding says what a problem means.
func (s standing) finding(p walcore.Problem) Finding {
	if m, ok := meaningFor(s.System.Name, p); ok {
		f := Finding{Problem: p, effect: m.effect, Node: m.node, Repair: "nothing: " + otherRemedies[s.System.Name]}
		if s.Snapshot != nil && p.Index > 0 && p.Index <= s.Snapshot.Index {
			f.Node = "the snapshot stands for the entry; " + f.Node
		}
		return f
	}
	m := MeaningOf(p.Kind)
	f := Finding{Problem: p, effect: m.Effect, Repair: m.Repair}
	where, dgraph := "", "Dgraph "+m.Dgraph+"; "
	switch {
	case !m.Entry || p.Index == 0:
	case s.Snapshot != nil && p.Index <= s.Snapshot.Index:
		where = "the snapshot stands for the entry; "
		if m.Payload {
			f.effect, where, dgraph = Unnoticed, "the snapshot stands for the entry, no node reads it; ", ""
		}
	case s.HardState == nil:
	case p.Index > s.HardState.Commit:
		where = "the entry is not known to be committed; "
		if f.effect == Refused {
			f.effect = Later
		}
	case p.Kind == walcore.KindPayload && s.skips && s.CheckpointIndex != nil && p.Index < *s.CheckpointIndex:
		f.effect = Diverges
		where, dgraph = "the entry is committed, and the node has applied it; Dgraph passes over it, and sends it to a node that lacks it; ", ""
	default:
		where = "the entry is committed; "
	}
	f.Node = where + dgraph + "DiskStorage " + m.Storage
	return f
}
