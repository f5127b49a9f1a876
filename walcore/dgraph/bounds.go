package dgraph

import "github.com/walfs/walfs/walcore"

// FirstIndex is the first index that raft.Storage would serve: the one after
// the snapshot's, or the first entry's. ok is false where wal.meta does not
// tell whether there is a snapshot, and where there is none and the log may
// begin in a file that cannot be read.
func (r *Reader) FirstIndex() (index uint64, ok bool) {
	r = r.now()
	snap, known := r.snapshotIndex()
	if _, unreadable := r.unreadableBefore(0); !known || snap == 0 && unreadable {
		return 0, false
	}
	if snap > 0 {
		return snap + 1, true
	}
	for e := range r.Entries(0) {
		return e.Index, true
	}
	return 1, true
}

// LastIndex is the last index of the log: the last entry's, or the snapshot's
// where that is further on. ok is false where the log may end in a file that
// cannot be read, and, without entries, where wal.meta does not tell whether
// there is a snapshot.
func (r *Reader) LastIndex() (index uint64, ok bool) {
	r = r.now()
	last, found := r.Last()
	snap, known := r.snapshotIndex()
	_, unreadable := r.unreadableBefore(len(r.spans))
	return max(last.Index, snap), !unreadable && (found || known)
}

// snapshotIndex is the announced snapshot's index, 0 for none. It is not known
// where it cannot be read or cannot be true.
func (r *Reader) snapshotIndex() (index uint64, known bool) {
	if snap := r.meta.SnapshotIndex; snap != nil && *snap <= walcore.MaxNumber {
		return *snap, true
	}
	return 0, false
}

// compactedTo is the index up to which the snapshot stands for entries that are
// not there. wal.meta has it twice; where the two differ, it is the lower one.
func (r *Reader) compactedTo() uint64 {
	index, _ := r.snapshotIndex()
	if s := r.meta.Snapshot; s != nil {
		index = min(index, s.Metadata.GetIndex())
	}
	return index
}

// snapshotTerm is the snapshot's term, 0 if there is none or it is not known.
func (r *Reader) snapshotTerm() uint64 {
	s, _ := r.soundSnapshot()
	return s.GetTerm()
}
