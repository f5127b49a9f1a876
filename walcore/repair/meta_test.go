//go:build linux

package repair

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// metaOf edits a directory's wal.meta.
func metaOf(t *testing.T, dir string) fixture.File {
	return fixture.Edit(t, filepath.Join(dir, "wal.meta"))
}

// TestDamagedMeta: what wal.meta no longer tells is taken from the log where that is
// certain, asked for where it is not, and never made up.
func TestDamagedMeta(t *testing.T) {
	id := uint64(1)
	for _, test := range []struct {
		name     string
		fixture  string
		damage   func(f fixture.File)
		raftID   *uint64
		err      error // that it fails with
		mentions string
		state    [6]uint64 // raft id, group id, checkpoint, term, vote, commit
		snapshot bool
		last     uint64
		lost     bool
	}{
		{name: "cut before the hard state", fixture: "alpha", damage: func(f fixture.File) { f.Truncate(100) },
			state: [6]uint64{1, 1, 0, 2, 0, 0}, last: 975, lost: true},
		{name: "cut before the hard state, with a snapshot", fixture: "bigsnap", damage: func(f fixture.File) { f.Truncate(100) },
			state: [6]uint64{31, 7, 0, 2, 0, 0}, last: 50, lost: true},
		{name: "cut before the snapshot", fixture: "bigsnap", damage: func(f fixture.File) { f.Truncate(1030) },
			state: [6]uint64{31, 7, 0, 2, 2, 0}, last: 50, lost: true},
		{name: "another term than the lost snapshot's", fixture: "bigsnap", damage: func(f fixture.File) {
			f.Write(1032+7, []byte{1})
			f.Write(1044, []byte{0xff, 0xff})
		}, state: [6]uint64{31, 7, 0, 2, 2, 0}, last: 50, lost: true},
		{name: "cut in the snapshot", fixture: "bigsnap", damage: func(f fixture.File) { f.Truncate(1 << 20) },
			state: [6]uint64{31, 7, 0, 2, 2, 50}, last: 50},
		{name: "hard state does not parse", fixture: "alpha", damage: func(f fixture.File) { f.Write(512, []byte{0, 0, 0, 6, 255, 255, 255}) },
			state: [6]uint64{1, 1, 0, 2, 0, 0}, last: 975, lost: true},
		{name: "hard state zeroed", fixture: "rewritten", damage: func(f fixture.File) { f.Write(512, make([]byte, 64)) },
			state: [6]uint64{31, 7, 0, 9, 0, 0}, last: 450, lost: true},
		{name: "commit index beyond the log", fixture: "alpha", damage: func(f fixture.File) { f.Write(516, []byte{8, 2, 16, 1, 24, 0xff, 0x7f}) },
			state: [6]uint64{1, 1, 975, 2, 1, 975}, last: 975, lost: true},
		{name: "missing", fixture: "alpha", damage: remove, err: walcore.ErrDamaged, mentions: "give it with --raft-id (it is the member of the group that the node was: raft id 1 voter"},
		{name: "missing, raft id given", fixture: "alpha", damage: remove, raftID: &id,
			state: [6]uint64{1, 0, 0, 2, 0, 0}, last: 975, lost: true},
		{name: "missing, a Zero's", fixture: "zero", damage: remove, raftID: &id,
			state: [6]uint64{1, 0, 0, 2, 0, 0}, last: 419, lost: true},
		{name: "zeroed", fixture: "alpha", damage: func(f fixture.File) { f.Write(0, make([]byte, 4096)) }, err: walcore.ErrDamaged, mentions: "--raft-id"},
		{name: "missing, and the log begins late", fixture: "highstart", damage: remove, raftID: &id, err: walcore.ErrDamaged,
			mentions: "the log begins at entry 1000000007 (00001.wal slot 0), and there is no whole snapshot"},
		{name: "missing, and the log is empty", fixture: "empty", damage: remove, raftID: &id, err: walcore.ErrDamaged, mentions: "neither an entry nor a whole snapshot"},
		{name: "another snapshot announced", fixture: "bigsnap", damage: func(f fixture.File) { f.Write(1024+7, []byte{30}) },
			state: [6]uint64{31, 7, 0, 2, 2, 50}, snapshot: true, last: 50},
		{name: "snapshot does not parse", fixture: "bigsnap", damage: func(f fixture.File) { f.Write(1044, []byte{0xff, 0xff}) },
			state: [6]uint64{31, 7, 0, 2, 2, 50}, last: 50},
		{name: "raft id given that wal.meta has otherwise", fixture: "alpha", damage: func(f fixture.File) { f.Write(512, make([]byte, 64)) },
			raftID: new(uint64), err: walcore.ErrRefused, mentions: "leave --raft-id out"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := fixture.Dir(t, test.fixture)
			_, want := wanted(t, test.fixture)
			test.damage(metaOf(t, dir))
			opts := Options{RaftID: test.raftID, Key: fixture.Key(test.fixture)}
			if test.err != nil {
				refused(t, dir, opts, test.err)
				if _, err := plan(t, dir, opts); err == nil || !strings.Contains(err.Error(), test.mentions) {
					t.Errorf("%v, want %s", err, test.mentions)
				}
				return
			}
			p := repaired(t, dir, opts, want)
			if p == nil {
				return
			}
			st := p.State
			if got := [6]uint64{st.RaftID, st.GroupID, st.Checkpoint, st.Term, st.Vote, st.Commit}; got != test.state {
				t.Errorf("state %d, want %d", got, test.state)
			}
			if p.Last != test.last || p.Lost != test.lost || test.snapshot != (p.Snapshot != nil) {
				t.Errorf("last %d, lost %v, snapshot %v; %v", p.Last, p.Lost, p.Snapshot.GetMetadata(), p.Remarks)
			}
		})
	}
}

func remove(f fixture.File) { os.Remove(f.Path) }
