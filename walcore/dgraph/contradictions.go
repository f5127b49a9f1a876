package dgraph

import (
	"fmt"
	"time"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// contradictions are the ways in which wal.meta, the files and the log, each sound in
// itself, do not go together.
func (r *Reader) contradictions() []walcore.Problem {
	var c contradictions
	r.checkHardState(&c)
	r.checkCommit(&c)
	r.checkSnapshot(&c)
	r.checkBeginning(&c)
	r.checkEmptyFiles(&c)
	return c.list
}

type contradictions struct{ list []walcore.Problem }

// inMeta adds one that is about a field of wal.meta.
func (c *contradictions) inMeta(kind walcore.Kind, at, index uint64, text string, args ...any) {
	c.list = append(c.list, walcore.FileProblem(format.MetaName, kind, fmt.Sprintf(text, args...)).At(at).OfEntry(index))
}

// checkHardState compares the hard state's term with those of the log and of the
// snapshot: a node votes in a term before it has any entry of that term.
func (r *Reader) checkHardState(c *contradictions) {
	hs := r.meta.HardState
	if hs == nil || r.termUnsettled {
		return
	}
	term, what, index := r.highestTerm()
	if max(hs.GetTerm(), r.laterTerm) >= term || r.neverVoted(term) {
		return
	}
	c.inMeta(walcore.KindHardState, meta.HardStateAt, index,
		"the hard state's term is %d, but %s is of term %d: it is lost, or was never stored; the node may vote twice in a term, or never elect a leader",
		hs.GetTerm(), what, term)
}

// highestTerm is the highest term that an entry or the snapshot has, and which.
func (r *Reader) highestTerm() (term uint64, what string, index uint64) {
	if s, ok := r.soundSnapshot(); ok {
		term, what = s.GetTerm(), fmt.Sprintf("the snapshot at index %d", s.GetIndex())
	}
	if k := len(r.terms) - 1; k >= 0 && r.terms[k].Term > term {
		index = r.terms[k].Last
		term, what = r.terms[k].Term, fmt.Sprintf("entry %d", index)
	}
	return term, what, index
}

// soundSnapshot gives the snapshot's metadata if there is one, and wal.meta has its index
// and term twice.
func (r *Reader) soundSnapshot() (*raftpb.SnapshotMetadata, bool) {
	if r.meta.Snapshot == nil || r.meta.SnapshotDamaged() {
		return nil, false
	}
	s := r.meta.Snapshot.Metadata
	return s, *r.meta.SnapshotIndex == s.GetIndex() && *r.meta.SnapshotTerm == s.GetTerm() && max(s.GetIndex(), s.GetTerm()) <= walcore.MaxNumber
}

// neverVoted reports whether the directory is a log alone, of the first term: one that
// was written by hand, to which no node has added a hard state.
func (r *Reader) neverVoted(term uint64) bool {
	hs, checkpoint := r.meta.HardState, r.meta.CheckpointIndex
	return term == 1 && hs.GetTerm() == 0 && hs.GetVote() == 0 && hs.GetCommit() == 0 && checkpoint != nil && *checkpoint == 0 &&
		r.meta.Snapshot == nil
}

// settleTerm is asked after the slots were read. wal.meta was read before, and a node
// stores entries before the hard state: so where that has too low a term, it may only be
// too old, or about to be stored; unless the look before has said so of the same hard state.
func (r *reading) settleTerm() {
	hs := r.meta.HardState
	if hs == nil || r.metaFile == nil {
		return
	}
	term, _, _ := r.highestTerm()
	for try := 0; max(hs.GetTerm(), r.laterTerm) < term && try < maxRetries; try++ {
		if try > 0 && (r.previous.exists || r.follower.alone) {
			break // one that is followed is soon read again anyway
		}
		if try > 0 {
			time.Sleep(time.Millisecond)
		}
		if m, err := r.readStableMeta(); err == nil {
			r.laterTerm = m.HardState.GetTerm()
		}
	}
	r.termTooLow = max(hs.GetTerm(), r.laterTerm) < term
	said := r.previous.termTooLow && r.previous.hardTerm == hs.GetTerm()
	r.termUnsettled = r.termTooLow && !said && r.stillSettling()
}

// checkCommit compares the commit index with the log's end, the snapshot and the
// checkpoint.
func (r *Reader) checkCommit(c *contradictions) {
	hs := r.meta.HardState
	if hs == nil {
		return
	}
	commit := hs.GetCommit()
	if last, known := r.LastIndex(); known && commit > last {
		c.inMeta(walcore.KindCommit, meta.HardStateAt, commit,
			"the commit index is %d, the log ends at %d: entries are lost, and Raft will refuse to start", commit, last)
	}
	if snap, known := r.snapshotIndex(); known && commit < snap {
		c.inMeta(walcore.KindCommit, meta.HardStateAt, commit,
			"the commit index is %d, the snapshot's index is %d, and all that a snapshot stands for is committed: the hard state is lost, or older", commit, snap)
	}
	if at := r.meta.CheckpointIndex; at != nil && *at > commit {
		c.inMeta(walcore.KindCheckpoint, meta.CheckpointAt, *at,
			"the checkpoint is %d, the commit index is %d, and nothing is applied before it is committed: one of the two is damaged", *at, commit)
	}
}

// checkSnapshot compares the snapshot with the entries around it.
func (r *Reader) checkSnapshot(c *contradictions) {
	if _, known := r.snapshotIndex(); !known && r.meta.SnapshotIndex != nil {
		at := *r.meta.SnapshotIndex
		c.inMeta(walcore.KindSnapshot, meta.SnapshotIndexAt, at, "the snapshot's index is %d: no log gets there", at)
	}
	s, ok := r.soundSnapshot()
	if !ok {
		return
	}
	snap, term := s.GetIndex(), s.GetTerm()
	for e := range r.Outline(snap) {
		if e.Index == snap && e.Term != term || e.Index == snap+1 && e.Term < term {
			c.list = append(c.list, walcore.SlotProblem(e.File.Name, e.Slot, walcore.KindSnapshot, fmt.Sprintf(
				"the snapshot at index %d is of term %d, but this entry of term %d: one of the two is damaged, or the snapshot has replaced the log",
				snap, term, e.Term)).At(e.Offset).OfEntry(e.Index))
		}
		if e.Index > snap {
			break
		}
	}
}

// checkBeginning reports entries that are missing before the first one.
func (r *Reader) checkBeginning(c *contradictions) {
	snap, known := r.snapshotIndex()
	if _, unreadable := r.unreadableBefore(0); unreadable || len(r.spans) == 0 {
		return
	}
	first := r.spans[0]
	f := r.files[first.file]
	switch {
	case snap > 0 && first.index > snap+1:
		c.list = append(c.list, walcore.SlotProblem(f.Name, first.slot, walcore.KindHole, fmt.Sprintf(
			"the snapshot ends at %d, the log begins at %d: the entries between are nowhere in the directory", snap, first.index)).OfEntry(snap+1))
	case known && snap == 0 && f.ID > 1 && first.index > uint64(first.slot)+1 && !r.hasFileBelow(f.ID):
		c.list = append(c.list, walcore.FileProblem(f.Name, walcore.KindFirstFile, fmt.Sprintf(
			"the first log file has id %d and begins at index %d, and there is no snapshot: the files before it, or the snapshot, are lost",
			f.ID, first.index)).OfEntry(first.index))
	}
}

func (r *Reader) hasFileBelow(id uint64) bool {
	for _, f := range r.files {
		if f.ID < id {
			return true
		}
	}
	return false
}

// checkEmptyFiles reports files from which the log has nothing, unless they are the last:
// a new file comes behind all others, and a rewrite that reaches back removes those
// behind. One that is cut is being removed, or is reported for that.
func (r *Reader) checkEmptyFiles(c *contradictions) {
	for _, f := range r.files {
		if f.kept == nil || len(f.kept.runs) > 0 || f.ID >= r.newest || f.Attr.Size < format.PayloadAt {
			continue
		}
		message := "no slot in it is an entry"
		if f.kept.Len() > 0 {
			message = "none of its slots is an entry of the log"
		}
		c.list = append(c.list, walcore.FileProblem(f.Name, walcore.KindEmptyFile,
			message+", but it is not the last file: its slots are lost, or a rewrite that was cut off has left it"))
	}
}
