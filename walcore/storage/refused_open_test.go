package storage

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// TestRefusedOpen: where a reader shows nothing either, but something may have been
// there, Open refuses, says where it is, and why.
func TestRefusedOpen(t *testing.T) {
	// The log has entries 1 to 25, of term 3, in files of 10 slots.
	zero := func(file uint64, slot, n int) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			patch(t, dir, format.FileName(file), int64(slot)*format.SlotSize, make([]byte, n*format.SlotSize))
		}
	}
	hardState := func(term, commit uint64) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			b := meta.EncodeHardState(term, 1, commit)
			patch(t, dir, format.MetaName, b.At, b.Bytes)
		}
	}
	both := func(a, b func(t *testing.T, dir string)) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) { a(t, dir); b(t, dir) }
	}
	cut := func(file uint64, size int64) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			fixture.Must(t, os.Truncate(filepath.Join(dir, format.FileName(file)), size))
		}
	}
	for _, test := range []struct {
		name     string
		snapshot uint64
		damage   func(t *testing.T, dir string)
		file     string // "": it opens
		slot     int
		why      string
	}{
		{"a torn tail", 0, zero(3, 2, 2), "", 0, ""},
		{"a torn tail, and the hard state is lost", 0, both(zero(3, 2, 2), hardState(0, 0)), format.FileName(3), 2, "the hard state's term is 0"},
		{"a torn tail, and the hard state is older", 0, both(zero(3, 2, 2), hardState(2, 10)), format.FileName(3), 2, "the hard state's term is 2"},
		{"a torn tail, and no term has the hard state's", 0, both(zero(3, 2, 2), hardState(1<<63, 10)), format.FileName(3), 2, "the hard state's term is"},
		{"an old hard state alone", 0, hardState(2, 10), "", 0, ""},
		{"a torn tail that is committed", 0, both(zero(3, 2, 2), hardState(3, 23)), format.FileName(3), 2, "slots 2 to 4 would be dropped"},
		{"the last file's first slots are empty", 0, zero(3, 0, 2), "", 0, ""},
		{"the last file has no slots", 0, zero(3, 0, 5), "", 0, ""},
		{"the last file has no slots, and they were committed", 0, both(zero(3, 0, 5), hardState(3, 21)), format.MetaName, -1, "the log ends at 20"},
		{"the last file is cut in its slots", 0, cut(3, 70), format.FileName(3), -1, "it was cut"},
		{"the last file is cut behind its slots", 0, cut(3, 400), format.FileName(3), -1, "it was cut"},
		{"the last file is cut to nothing", 0, cut(3, 0), "", 0, ""},
		{"a middle file is cut to nothing", 0, cut(2, 0), format.FileName(3), 0, "entries 11 to 20 are missing"},
		{"the first file has no slots", 0, zero(1, 0, 10), format.FileName(1), -1, "the log begins at 11"},
		{"the first file has no slots, and none that are needed", 10, zero(1, 0, 10), "", 0, ""},
		{"a file below the snapshot has lost its first slots", 20, zero(2, 0, 3), format.FileName(2), 0, "not the last one"},
		{"a full file's last slots are empty", 0, zero(2, 7, 3), format.FileName(2), 6, "ends with its last payload"},
		{"slots in the middle of a full file are empty", 0, zero(2, 4, 3), format.FileName(2), 4, "the log does not end with slots 4 to 9"},
		{"a full file's last length", 0, func(t *testing.T, dir string) {
			slot := format.DecodeSlot(peek(t, dir, format.FileName(1), 9*format.SlotSize, format.SlotSize))
			patch(t, dir, format.FileName(1), int64(slot.Offset), []byte{0, 0, 0, 1})
		}, format.FileName(1), 9, "ends with its last payload"},
	} {
		dir := filepath.Join(memDir(t), "w")
		s := create(t, dir, Options{limits: smallFiles, Logger: quiet})
		fixture.Must(t, s.Save(hard(3, 1, max(test.snapshot, 12)), someEntries(3, 1, 25), nil))
		fixture.Must(t, s.Close())
		before := stateOf(t, dir)
		if test.snapshot > 0 {
			s = reopen(t, dir, Options{limits: smallFiles, Logger: quiet})
			fixture.Must(t, s.CreateSnapshot(test.snapshot, &raftpb.ConfState{Voters: []uint64{1}}, nil))
			fixture.Must(t, s.Close())
			before[format.MetaName] = stateOf(t, dir)[format.MetaName] // a crash has left the files
			fixture.Must(t, os.RemoveAll(dir))
			fixture.Must(t, before.Write(dir))
		}
		test.damage(t, dir)
		s, err := Open(dir, Options{limits: smallFiles, Logger: quiet})
		if test.file == "" {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
				continue
			}
			fixture.Must(t, s.Close())
			continue
		}
		var where *walcore.Error
		if !errors.Is(err, walcore.ErrDamaged) || !errors.As(err, &where) || where.File != test.file || where.Slot != test.slot || !strings.Contains(err.Error(), test.why) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
