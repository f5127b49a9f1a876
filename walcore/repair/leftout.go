package repair

import (
	"fmt"

	"github.com/walfs/walfs/walcore"
)

// listLeftOut lists the entries behind Last, file by file: those that can be read, and
// those between them, that cannot.
func (p *planner) listLeftOut() {
	next, why := p.Last+1, p.stopped
	add := func(l LeftOut) { p.LeftOut = append(p.LeftOut, l) }
	missing := func(last uint64) {
		if next > last {
			return
		}
		if why == nil {
			why = p.log.Gap(next, last)
		}
		text := "they are nowhere in the directory"
		if why != nil {
			text = why.Error()
		}
		add(LeftOut{First: next, Last: last, Why: text})
		next, why = last+1, nil
	}
	for e := range p.log.Entries(next) {
		if e.Index == p.Last+1 && !p.replaced { // it is whole, but stopped says what is wrong with it
			missing(e.Index)
			continue
		}
		missing(e.Index - 1)
		next = e.Index + 1
		if k := len(p.LeftOut) - 1; k >= 0 && p.LeftOut[k].follows(e) {
			p.LeftOut[k].Last, p.LeftOut[k].LastSlot = e.Index, e.Slot
			continue
		}
		text := "Raft takes no log with a hole"
		if p.replaced {
			text = "the snapshot has replaced them"
		}
		add(LeftOut{First: e.Index, Last: e.Index, File: e.File.Name, FirstSlot: e.Slot, LastSlot: e.Slot, Why: text})
	}
	last := p.knownCommit()
	for e := range p.log.Outline(next) {
		last = max(last, e.Index)
	}
	missing(last)
}

// follows reports whether the entry is next to the range in the same file.
func (l *LeftOut) follows(e walcore.Entry) bool {
	return l.File == e.File.Name && l.Last+1 == e.Index && l.LastSlot+1 == e.Slot
}

// Readable reports whether the entries can be read.
func (l *LeftOut) Readable() bool { return l.File != "" }

func (l LeftOut) String() string {
	what := fmt.Sprintf("entry %d", l.First)
	if l.Last > l.First {
		what = fmt.Sprintf("entries %d to %d", l.First, l.Last)
	}
	switch {
	case !l.Readable():
	case l.FirstSlot == l.LastSlot:
		what += fmt.Sprintf(" (%s slot %d)", l.File, l.FirstSlot)
	default:
		what += fmt.Sprintf(" (%s slots %d to %d)", l.File, l.FirstSlot, l.LastSlot)
	}
	return what + ": " + l.Why
}

// firstReadable is the index of the first entry that can be read and is left out.
func (p *Plan) firstReadable() (index uint64, found bool) {
	for _, l := range p.LeftOut {
		if l.Readable() {
			return l.First, true
		}
	}
	return 0, false
}

// knownCommit is the highest index of which wal.meta says that it is committed: as
// the commit index, or as applied.
func (p *planner) knownCommit() uint64 {
	commit := p.snapshotIndex()
	if at := p.meta.SnapshotIndex; at != nil && *at <= walcore.MaxNumber {
		commit = max(commit, *at)
	}
	if hs := p.meta.HardState; hs != nil && hs.Commit <= walcore.MaxNumber {
		commit = max(commit, hs.Commit)
	}
	if at := p.meta.CheckpointIndex; at != nil && *at <= walcore.MaxNumber {
		commit = max(commit, *at)
	}
	return commit
}

// checkStart fails where Raft could not start on what is kept, or where more is asked
// for than it could start on.
func (p *planner) checkStart() error {
	behind, found := p.firstReadable()
	if p.opts.KeepGoing && found && !p.replaced {
		return fmt.Errorf("%s: no repair goes past entry %d: %w: %w; what is behind it, from entry %d on, has no place in a log, "+
			"for Raft takes none with a hole; without --keep-going the entries before it are kept",
			p.meta.Path, p.Last+1, walcore.ErrRefused, p.stopped, behind)
	}
	if p.Snapshot != nil || p.Last >= p.First {
		return nil
	}
	const instead = "take a copy of another replica, or let a new node take this one's place"
	first, entries := p.firstSlot()
	switch {
	case !entries && p.noSnapshot() && len(p.LeftOut) == 0:
		return nil // an empty log
	case !entries:
		return fmt.Errorf("%s: there is neither an entry nor a whole snapshot to keep: %w; %s", p.meta.Path, walcore.ErrDamaged, instead)
	case first.Index > 1:
		return fmt.Errorf("%s: the log begins at entry %d (%s slot %d), and there is no whole snapshot of what was before: "+
			"Raft cannot start on that: %w; %s", p.meta.Path, first.Index, first.File.Name, first.Slot, walcore.ErrDamaged, instead)
	}
	return fmt.Errorf("%s: no entry can be kept: %w; %s", p.meta.Path, p.stopped, instead)
}
