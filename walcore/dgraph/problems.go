package dgraph

import (
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// FirstIndex is the first index that raft.Storage would serve: the one after
// the snapshot's, or the first entry's. ok is false where wal.meta does not
// tell whether there is a snapshot, and where there is none and the log may
// begin in a file that cannot be read.
func (r *Reader) FirstIndex() (index uint64, ok bool) {
	snap, known := r.snapshotIndex()
	if _, unread := r.log.unreadBefore(0); !known || snap == 0 && unread {
		return 0, false
	}
	if snap > 0 {
		return snap + 1, true
	}
	for e := range r.log.Entries(0) {
		return e.Index, true
	}
	return 1, true
}

// LastIndex is the last index of the log: the last entry's, or the snapshot's
// where that is further on. ok is false where the log may end in a file that
// cannot be read, and, without entries, where wal.meta does not tell whether
// there is a snapshot.
func (r *Reader) LastIndex() (index uint64, ok bool) {
	last, found := r.log.Last()
	snap, known := r.snapshotIndex()
	_, unread := r.log.unreadBefore(len(r.log.spans))
	return max(last.Index, snap), !unread && (found || known)
}

// snapshotIndex is the announced snapshot's index, 0 for none. It is not known
// where it cannot be read or cannot be true.
func (r *Reader) snapshotIndex() (index uint64, known bool) {
	if snap := r.meta.SnapshotIndex; snap != nil && *snap <= format.MaxNumber {
		return *snap, true
	}
	return 0, false
}

// mayBeMissing is the index up to which a snapshot stands for entries that are
// not there: the lower one where two are told.
func (r *Reader) mayBeMissing() uint64 {
	index, _ := r.snapshotIndex()
	if s := r.meta.Snapshot; s != nil {
		index = min(index, s.Metadata.GetIndex())
	}
	return index
}

// Last is the last whole entry.
func (l *log) Last() (walcore.Entry, bool) {
	for k := len(l.spans) - 1; k >= 0; k-- {
		s := l.spans[k]
		for i := s.slot + s.n - 1; i >= s.slot; i-- {
			if e, whole := s.file.entry(i); whole {
				return e, true
			}
		}
	}
	return walcore.Entry{}, false
}

// Problems lists everything that is wrong with the directory. It reads each
// payload's length, not the payloads.
func (r *Reader) Problems() []walcore.Problem {
	problems := append([]walcore.Problem(nil), r.problems...)
	for _, f := range r.meta.Faults {
		kind := walcore.KindMeta
		if f.Snapshot {
			kind = walcore.KindSnapshot
		}
		problems = append(problems, walcore.Problem{File: format.MetaName, Slot: -1, Offset: f.Offset, Kind: kind, Message: f.Message})
	}
	for _, f := range r.log.files {
		f.loadSizes()
		problems = append(problems, f.problems.all()...)
		problems = append(problems, f.sizesProblems.all()...)
	}
	return append(problems, r.contradictions()...)
}

// contradictions are the ways in which wal.meta and the log, each sound in
// itself, do not fit together.
func (r *Reader) contradictions() []walcore.Problem {
	var problems []walcore.Problem
	last, known := r.LastIndex()
	if commit := r.meta.HardState.GetCommit(); known && commit > last {
		problems = append(problems, walcore.Problem{File: format.MetaName, Slot: -1, Offset: 512, Index: commit, Kind: walcore.KindCommit,
			Message: fmt.Sprintf("the commit index is %d, the log ends at %d: entries are lost, and Raft will refuse to start", commit, last)})
	}
	snap, known := r.snapshotIndex()
	if at := r.meta.SnapshotIndex; at != nil && !known {
		problems = append(problems, walcore.Problem{File: format.MetaName, Slot: -1, Offset: 1024, Index: *at, Kind: walcore.KindSnapshot,
			Message: fmt.Sprintf("the snapshot's index is %d: no log gets there", *at)})
	}
	if _, unread := r.log.unreadBefore(0); snap > 0 && len(r.log.spans) > 0 && !unread {
		if first := r.log.spans[0]; first.index > snap+1 {
			problems = append(problems, walcore.Problem{File: first.file.Name, Slot: first.slot, Index: snap + 1, Kind: walcore.KindHole,
				Message: fmt.Sprintf("the snapshot ends at %d, the log begins at %d: the entries between are nowhere in the directory", snap, first.index)})
		}
	}
	return problems
}
