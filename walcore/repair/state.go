package repair

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/confstate"
	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/payload"
	"go.etcd.io/raft/v3/raftpb"
)

// decideHardState fits hard state and checkpoint to what is kept.
func (p *planner) decideHardState() {
	hs, seen := p.meta.HardState, p.highestTerm()
	if p.metaLost() || hs != nil && max(hs.Term, hs.Commit) > walcore.MaxNumber {
		hs = nil
	}
	st := &p.State
	st.Term, st.Commit = seen, p.snapshotIndex()
	if p.Snapshot == nil && p.Last >= p.First {
		st.Commit = p.First - 1 // Raft starts with what is before the first entry
	}
	if hs != nil {
		st.Term = max(seen, hs.Term)
		st.Commit = max(st.Commit, min(hs.Commit, p.Last))
		if hs.Term == st.Term {
			st.Vote = hs.Vote
		}
	}
	if p.snapshotLost() {
		st.Commit, p.Lost = 0, true
		p.remark("The log goes back to before the snapshot that is lost, and nothing tells whether it is the one that the snapshot stood for. " +
			"The commit index is 0: a leader finds out what is different, and sends it again.")
	}
	if at := p.meta.CheckpointIndex; at != nil {
		st.Checkpoint = min(*at, st.Commit)
	}
	p.judgeHardState(hs)
	p.judgeEntries(hs)
}

// highestTerm is the highest term that the snapshot or the log shows.
func (p *planner) highestTerm() uint64 {
	term := p.snapshotTerm()
	for _, t := range p.log.Terms() {
		term = max(term, t.Term)
	}
	return term
}

// hardStateFits reports whether the hard state can be the one that belongs to the log:
// no entry has a term above its own.
func (p *planner) hardStateFits() bool {
	hs := p.meta.HardState
	return hs != nil && !p.metaLost() && hs.Term >= p.highestTerm()
}

// snapshotLost reports whether there may have been a snapshot that is lost and is not
// borne out by the log. One from another node replaces a log, of which entries can be
// left. They are known to be those that it stood for if the last of them has its term.
func (p *planner) snapshotLost() bool {
	if p.Snapshot != nil || p.noSnapshot() || p.metaLost() {
		return false
	}
	index, term := p.meta.SnapshotIndex, p.meta.SnapshotTerm
	if index == nil || term == nil || *index > p.Last {
		return true
	}
	e, err := p.log.Entry(*index)
	return err != nil || e.Term != *term
}

// judgeHardState says what is lost with the hard state.
func (p *planner) judgeHardState(hs *walcore.HardState) {
	switch {
	case hs == nil && p.State.Term == 0: // an empty log
	case hs == nil:
		p.Lost = true
		p.remark("The hard state is lost. The term is %d, the highest that the log shows, and there is no vote: the node may have "+
			"voted in this term or a later one, and can vote there again for another candidate.", p.State.Term)
	case hs.Term < p.State.Term:
		p.Lost = true
		p.remark("The hard state's term is %d, the log has term %d. The term is set to that, and there is no vote: the node may have "+
			"voted in this term, and can vote there again for another candidate.", hs.Term, p.State.Term)
	}
}

// judgeEntries says what is lost with the entries that are left out.
func (p *planner) judgeEntries(hs *walcore.HardState) {
	_, readable := p.firstReadable()
	commit := p.knownCommit()
	switch {
	case commit > p.Last:
		p.Lost = true
		p.remark("Entries up to %d were committed, the log ends at %d. This node has promised to keep them: until a leader that has them "+
			"has sent them again, its vote can elect one that lacks them. A copy of another replica, or a new node in its place, has no "+
			"such risk.", commit, p.Last)
	case len(p.LeftOut) == 0 || p.replaced:
	case hs == nil || readable && !p.opensWithout():
		p.Lost = true
		p.remark("The entries that are left out may have been committed: this node has told its leader that it has them. Until they were " +
			"sent again, its vote can elect a leader that lacks them. A copy of another replica, or a new node in its place, has no such risk.")
	default:
		p.remark("Nothing says that the entries that are left out were committed: they stand at the log's end, as an append does that a "+
			"crash has cut off, and the commit index is %d.", p.State.Commit)
	}
	if name, ok := p.log.Unindexed(); ok && !p.Lost && !p.coveredBySnapshot(name) {
		p.Lost = true
		p.remark("It is not known what is in %s: entries that were committed may be lost with it.", name)
	}
}

// opensWithout reports whether opening the directory for writing would drop the same
// entries: it drops nothing but what a crash has left of the last append.
func (p *planner) opensWithout() bool {
	r, err := p.log.Recovery()
	if err != nil || len(r.Files) == 0 {
		return false
	}
	last := r.Files[len(r.Files)-1]
	return last.Index(last.Slots-1) == p.Last
}

// coveredBySnapshot reports whether a log file that cannot be read comes before a
// whole one that reaches the snapshot: it has nothing but what the snapshot stands for.
func (p *planner) coveredBySnapshot(name string) bool {
	for _, f := range p.log.Files() {
		for e := range f.Source.Entries(0) {
			if f.Name > name && e.Index <= p.snapshotIndex()+1 {
				return true
			}
			break
		}
	}
	return false
}

// decideIDs finds the node's ids. Without its raft id an Alpha would be given a new
// one by its Zero, and be another node than the one whose log this is; of a group id
// that is lost, it is told.
func (p *planner) decideIDs() error {
	st, lost := &p.State, p.metaLost()
	if m := p.meta; !lost {
		st.RaftID = *m.RaftID
		if m.GroupID != nil {
			st.GroupID = *m.GroupID
		}
	}
	if lost || p.meta.GroupID == nil {
		members, err := p.readConfChanges()
		if err != nil {
			return err
		}
		if st.GroupID = members.group; st.GroupID > 0 {
			p.remark("The group id, %d, is that of the log's configuration changes.", st.GroupID)
		}
		if lost && p.opts.RaftID == nil {
			return fmt.Errorf("%s: the node's raft id is lost with wal.meta: %w; give it with --raft-id (it is the member of the group that "+
				"the node was: %s)", p.meta.Path, walcore.ErrDamaged, members)
		}
	}
	given := p.opts.RaftID
	if given != nil && !lost && *given != st.RaftID {
		return fmt.Errorf("%s: the raft id is %d, as wal.meta says; leave --raft-id out: %w", p.meta.Path, st.RaftID, walcore.ErrRefused)
	}
	if given != nil {
		st.RaftID = *given
	}
	return nil
}

// groupMembers is what configuration changes tell of a group.
type groupMembers struct {
	group uint64
	list  []membership.Member
}

func (g groupMembers) String() string {
	if len(g.list) == 0 {
		return "the log does not tell who was one"
	}
	var lines []string
	for _, m := range g.list {
		lines = append(lines, "raft id "+m.String()) // "1 voter" alone would be a number of voters
	}
	return strings.Join(lines, ", ")
}

// readConfChanges goes through the configuration changes that are kept.
func (p *planner) readConfChanges() (g groupMembers, err error) {
	replay, err := confstate.From(p.Snapshot.GetMetadata().GetConfState())
	if err != nil {
		return g, err
	}
	addresses := map[uint64]string{}
	fits := true
	for e := range p.log.Outline(0) {
		typ := raftpb.EntryType(e.Type)
		if e.Index > p.Last || !confstate.IsChange(typ) {
			continue
		}
		whole, err := p.log.Entry(e.Index)
		if err != nil {
			continue // it is below the snapshot
		}
		data, err := whole.Data()
		if err != nil {
			continue
		}
		if c, ok := payload.RaftContextOf(payload.EntryOf(&whole, data)); ok {
			g.group = uint64(c.Group)
			addresses[c.ID] = c.Addr
		}
		if e.Index > p.snapshotIndex() && fits {
			fits = !errors.Is(replay.Apply(typ, e.Index, data), confstate.ErrMisfit)
		}
	}
	if cs := replay.ConfState(); fits {
		for _, id := range cs.Voters {
			g.list = append(g.list, membership.Member{ID: id, Text: strconv.FormatUint(id, 10), Role: membership.Voter, Address: addresses[id]})
		}
		for _, id := range cs.Learners {
			g.list = append(g.list, membership.Member{ID: id, Text: strconv.FormatUint(id, 10), Role: membership.Learner, Address: addresses[id]})
		}
	}
	return g, nil
}
