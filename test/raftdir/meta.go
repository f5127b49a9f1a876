//go:build unix

package raftdir

import "encoding/binary"

// Offsets in wal.meta.
const (
	checkpointAt    = 16
	hardStateAt     = 512
	snapshotIndexAt = 1024
	snapshotTermAt  = 1032
	snapshotAt      = 1040
)

// CommitTo stores a hard state with a new commit index.
func (w *Writer) CommitTo(index uint64) {
	w.Commit = index
	w.hardState()
}

func (w *Writer) hardState() {
	b := []byte{0x08}
	b = binary.AppendUvarint(b, w.Term)
	b = append(b, 0x10, 1, 0x18)
	b = binary.AppendUvarint(b, w.Commit)
	writeSized(w.meta.data[hardStateAt:], b)
}

func writeSized(at, b []byte) {
	binary.BigEndian.PutUint32(at, uint32(len(b)))
	copy(at[4:], b)
}

// Checkpoint stores the last applied index.
func (w *Writer) Checkpoint(index uint64) {
	binary.BigEndian.PutUint64(w.meta.data[checkpointAt:], index)
}

// Snapshot stores a snapshot at an index over the one before, as Dgraph does, and
// removes the files of which it covers all entries.
func (w *Writer) Snapshot(index uint64) {
	w.SnapshotOnly(index)
	for len(w.files) > 1 && w.files[1].n > 0 && w.files[1].first() <= index {
		w.remove(0)
	}
	w.First = w.files[0].first()
}

// SnapshotOnly stores a snapshot, and stops before it removes any file.
func (w *Writer) SnapshotOnly(index uint64) {
	term := w.TermOf(index)
	blob := Blob
	if w.o.Blob != nil {
		blob = w.o.Blob
	}
	b := snapshot(index, term, blob(index, term))
	binary.BigEndian.PutUint64(w.meta.data[snapshotIndexAt:], index)
	binary.BigEndian.PutUint64(w.meta.data[snapshotTermAt:], term)
	for snapshotAt+4+len(b) > len(w.meta.data) {
		w.meta.resize(2 * len(w.meta.data))
	}
	writeSized(w.meta.data[snapshotAt:], b)
}

// snapshot is a raftpb.Snapshot with one voter, 1.
func snapshot(index, term uint64, blob []byte) []byte {
	md := []byte{0x0a, 4, 0x08, 1, 0x28, 0} // conf_state: voters, auto_leave
	md = binary.AppendUvarint(append(md, 0x10), index)
	md = binary.AppendUvarint(append(md, 0x18), term)
	b := binary.AppendUvarint([]byte{0x0a}, uint64(len(blob)))
	b = append(b, blob...)
	b = binary.AppendUvarint(append(b, 0x12), uint64(len(md)))
	return append(b, md...)
}
