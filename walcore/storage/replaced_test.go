package storage

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// TestReplacedForCertain: a snapshot from another node replaces a log that has other
// entries. What only looks so, since a term or an index is damaged, is not removed.
func TestReplacedForCertain(t *testing.T) {
	slotTerm := func(file, slot int, term uint64) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			patch(t, dir, format.FileName(uint64(file)), int64(slot)*format.SlotSize, binary.BigEndian.AppendUint64(nil, term))
		}
	}
	hardState := func(term, commit uint64) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			b := meta.EncodeHardState(term, 1, commit)
			patch(t, dir, format.MetaName, b.At, b.Bytes)
		}
	}
	nothing := func(t *testing.T, dir string) {}
	for _, test := range []struct {
		name            string
		index, snapTerm uint64 // of the snapshot; the log has entries 1 to 25, of term 3 from 11 on
		damage          func(t *testing.T, dir string)
		removed         int // files; -1: Open refuses
		last            uint64
	}{
		{"the log continues the snapshot", 15, 3, nothing, 1, 25},
		{"it has other entries there", 15, 5, nothing, 3, 15},
		{"it has other entries at its end", 25, 5, nothing, 3, 25},
		{"it ends before", 40, 5, nothing, 3, 40},
		{"the file before ends where the snapshot does", 20, 3, nothing, 1, 25},
		{"another term behind the snapshot", 10, 5, nothing, 3, 10},
		{"a term that is damaged, at the snapshot", 15, 3, slotTerm(2, 4, 1), -1, 0},
		{"a term that is damaged, at the snapshot, where the term changes", 11, 3, slotTerm(2, 0, 2), -1, 0},
		{"a term that is too high, below the snapshot", 15, 3, slotTerm(1, 9, 5), -1, 0},
		{"a term that is too high, at the snapshot", 25, 2, nothing, -1, 0},
		{"entries behind the snapshot are committed", 15, 5, hardState(5, 16), -1, 0},
		{"the hard state is lost", 15, 5, hardState(0, 0), -1, 0},
		{"the hard state is older than the log", 15, 5, hardState(2, 15), -1, 0},
		{"an entry behind is of the snapshot's term", 15, 5, slotTerm(3, 4, 5), -1, 0},
		{"a slot of a file below is damaged", 15, 3, func(t *testing.T, dir string) {
			patch(t, dir, format.FileName(1), 4*format.SlotSize+8, []byte{1})
		}, -1, 0},
		{"a file below is not whole", 15, 3, func(t *testing.T, dir string) {
			patch(t, dir, format.FileName(1), 4*format.SlotSize, make([]byte, format.SlotSize))
		}, -1, 0},
	} {
		dir := filepath.Join(memDir(t), "w")
		s := create(t, dir, Options{limits: smallFiles, Logger: quiet})
		fixture.Must(t, s.Save(hard(5, 1, 5), append(someEntries(1, 1, 10), someEntries(3, 11, 15)...), nil))
		fixture.Must(t, s.Close())
		b, _, err := meta.EncodeSnapshot(&raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{
			Index: proto.Uint64(test.index), Term: proto.Uint64(test.snapTerm)}})
		fixture.Must(t, err)
		patch(t, dir, format.MetaName, b.At, b.Bytes)
		test.damage(t, dir)

		s, err = Open(dir, Options{limits: smallFiles, Logger: quiet})
		if refused := test.removed < 0; refused {
			if !errors.Is(err, walcore.ErrDamaged) {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		removed := 0
		for _, p := range s.Problems() {
			if p.Kind == walcore.KindReplaced {
				removed++
			}
		}
		if last, _ := s.LastIndex(); removed != test.removed || last != test.last {
			t.Errorf("%s: %d files removed, last index %d; want %d, %d", test.name, removed, last, test.removed, test.last)
		}
		fixture.Must(t, s.Close())
	}
}
