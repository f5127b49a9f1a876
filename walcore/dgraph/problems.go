package dgraph

import (
	"fmt"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// Problems lists everything that is wrong with the directory. It reads each
// payload's length, not the payloads.
func (r *Reader) Problems() []walcore.Problem {
	problems := append([]walcore.Problem(nil), r.problems...)
	for _, f := range r.meta.Faults {
		kind := walcore.KindMeta
		if f.Snapshot {
			kind = walcore.KindSnapshot
		}
		problems = append(problems, walcore.FileProblem(format.MetaName, kind, f.Message).At(f.Offset))
	}
	for _, f := range r.files {
		f.loadSizes()
		problems = append(problems, f.problems.all()...)
		problems = append(problems, f.sizesProblems.all()...)
	}
	return append(problems, r.contradictions()...)
}

// contradictions are the ways in which wal.meta and the log, each sound in
// itself, do not go together.
func (r *Reader) contradictions() []walcore.Problem {
	var problems []walcore.Problem
	add := func(p walcore.Problem, offset, index uint64) {
		problems = append(problems, p.At(offset).OfEntry(index))
	}
	last, known := r.LastIndex()
	if commit := r.meta.HardState.GetCommit(); known && commit > last {
		add(walcore.FileProblem(format.MetaName, walcore.KindCommit, fmt.Sprintf(
			"the commit index is %d, the log ends at %d: entries are lost, and Raft will refuse to start", commit, last)), meta.HardStateAt, commit)
	}
	snap, known := r.snapshotIndex()
	if at := r.meta.SnapshotIndex; at != nil && !known {
		add(walcore.FileProblem(format.MetaName, walcore.KindSnapshot, fmt.Sprintf(
			"the snapshot's index is %d: no log gets there", *at)), meta.SnapshotIndexAt, *at)
	}
	if _, unreadable := r.unreadableBefore(0); snap > 0 && len(r.spans) > 0 && !unreadable {
		if first := r.spans[0]; first.index > snap+1 {
			add(walcore.SlotProblem(r.files[first.file].Name, first.slot, walcore.KindHole, fmt.Sprintf(
				"the snapshot ends at %d, the log begins at %d: the entries between are nowhere in the directory", snap, first.index)), 0, snap+1)
		}
	}
	return problems
}
