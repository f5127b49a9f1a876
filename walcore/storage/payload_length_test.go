package storage

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// A length that does not fit the next payload's place is damage, for the
// storage as for a reader, no rewrite takes it for the end of a payload, and a
// directory in which it is in the last file is not opened.
func TestLengthUnlikeItsRoom(t *testing.T) {
	for _, test := range []struct {
		name     string
		index    uint64
		by       int      // added to the length; -1000: it is 0
		doubtful []uint64 // empty entries beside it, whose lengths may be lost, too
	}{
		{"shorter", 5, -7, []uint64{4}},
		{"longer", 5, 1, []uint64{4}},
		{"lost, behind entries with payloads", 7, -1000, nil},
		{"lost, of a conf change", 3, -1000, []uint64{1, 2, 4}},
	} {
		dir := filepath.Join(memDir(t), "w")
		s := create(t, dir, Options{Logger: quiet})
		list := someEntries(1, 1, 10)
		list[2].Type = raftpb.EntryConfChange.Enum()
		fixture.Must(t, s.Save(hard(1, 1, 0), list, nil))
		fixture.Must(t, s.TruncateEntriesUntil(5)) // which leaves gaps that are sound
		at := s.segments[0].offset(int(test.index) - 1)
		n := max(0, len(list[test.index-1].Data)+test.by)
		patch(t, dir, format.FileName(1), at, binary.BigEndian.AppendUint32(nil, uint32(n)))
		copied := filepath.Join(memDir(t), "copy")
		fixture.Must(t, stateOf(t, dir).Write(copied))
		if _, err := Open(copied, Options{Logger: quiet}); !errors.Is(err, walcore.ErrDamaged) {
			t.Errorf("%s: opened: %v", test.name, err)
		}
		for i := uint64(1); i <= 10; i++ {
			got, err := s.Entries(i, i+1, 1<<40)
			if i == test.index || slices.Contains(test.doubtful, i) {
				if !errors.Is(err, walcore.ErrDamaged) {
					t.Errorf("%s: %v, %v", test.name, got, err)
				}
				continue
			}
			fixture.Must(t, err)
			want := string(list[i-1].Data)
			if i < 5 && i != 3 {
				want = ""
			}
			if string(got[0].Data) != want {
				t.Errorf("%s: entry %d has %q", test.name, i, got[0].Data)
			}
		}
		r := openReader(t, dir, nil)
		for _, i := range append(test.doubtful, test.index) {
			if _, err := r.Entry(i); !errors.Is(err, walcore.ErrDamaged) {
				t.Errorf("%s: a reader: entry %d: %v", test.name, i, err)
			}
		}
		fixture.Must(t, r.Close())
		if err := s.Save(nil, someEntries(2, test.index+1, 1), nil); !errors.Is(err, walcore.ErrDamaged) {
			t.Errorf("%s: a rewrite behind it: %v", test.name, err)
		}
		first := slices.Min(append(test.doubtful, test.index))
		fixture.Must(t, s.Save(nil, someEntries(2, first, 3), nil)) // in its place
		got, err := s.Entries(first, first+3, 1<<40)
		if err != nil || len(got) != 3 {
			t.Errorf("%s: rewritten: %v, %v", test.name, got, err)
		}
		fixture.Must(t, s.Close())
	}
}
