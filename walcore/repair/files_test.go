//go:build linux

package repair

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
)

const (
	slotsPerFile = 100
	lastEntry    = 450
	commitIndex  = 440
	snapshotAt   = 150
)

// logDir writes a log of five files, in which entries up to 440 are committed; with
// a snapshot, of the four that it leaves.
func logDir(t testing.TB, key []byte, snapshot bool) (dir string, want map[uint64]wantEntry) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "w")
	fixture.Must(t, os.Mkdir(dir, 0o700))
	w := raftdir.Create(dir, raftdir.Options{Key: key, Slots: slotsPerFile})
	w.Append(lastEntry)
	w.CommitTo(commitIndex)
	if snapshot {
		w.Snapshot(snapshotAt)
	}
	want = map[uint64]wantEntry{}
	for i := w.First; i <= w.Last; i++ {
		data := raftdir.Payload(i, w.TermOf(i))
		sum := sha256.Sum256(data)
		want[i] = wantEntry{w.TermOf(i), i, raftdir.TypeOf(i), int64(len(data)), hex.EncodeToString(sum[:])}
	}
	w.Close()
	return dir, want
}

// copyOf copies a directory.
func copyOf(t testing.TB, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "w")
	if out, err := exec.Command("cp", "-a", "--sparse=always", dir, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return to
}

// firstIn is the first index that a log file has behind the snapshot.
func firstIn(file int, snapshot bool) uint64 {
	first := uint64(slotsPerFile*(file-1) + 1)
	if snapshot {
		first = max(first, snapshotAt+1)
	}
	return first
}

// fileDamages damage a log file. lost is the first of its entries that is gone, counted
// from 0; -1: none is.
var fileDamages = []struct {
	name   string
	damage func(t *testing.T, f fixture.File)
	lost   func(f fixture.File) int
}{
	{"missing", func(t *testing.T, f fixture.File) { fixture.Must(t, os.Remove(f.Path)) }, nil},
	{"a folder", func(t *testing.T, f fixture.File) {
		fixture.Must(t, os.Rename(f.Path, f.Path+".away"))
		fixture.Must(t, os.Mkdir(f.Path, 0o700))
	}, nil},
	{"empty", func(_ *testing.T, f fixture.File) { f.Truncate(0) }, nil},
	{"cut in the slots", func(_ *testing.T, f fixture.File) { f.Truncate(40 * 32) }, nil},
	{"cut in the payloads", func(_ *testing.T, f fixture.File) {
		f.Truncate(int64(f.Get(30, fixture.Offset)) + 4 + int64(f.Length(30)) - 1)
	},
		func(fixture.File) int { return 30 }},
	{"slots zeroed", func(_ *testing.T, f fixture.File) { f.Write(0, make([]byte, 4096)) }, nil},
	{"four slots zeroed", func(_ *testing.T, f fixture.File) { f.Write(20*32, make([]byte, 4*32)) }, func(fixture.File) int { return 20 }},
	{"a copy beside it", func(t *testing.T, f fixture.File) {
		fixture.Must(t, exec.Command("cp", "--sparse=always", f.Path, filepath.Join(filepath.Dir(f.Path), "00009.wal")).Run())
	}, func(fixture.File) int { return -1 }},
}

// TestDamagedFile: whatever happens to a log file, all before it is kept.
func TestDamagedFile(t *testing.T) {
	fixture.NotForRace(t)
	for _, key := range [][]byte{nil, []byte("0123456789abcdef")} {
		for _, snapshot := range fixture.Size([]bool{key != nil}, []bool{false, true}) {
			sound, want := logDir(t, key, snapshot)
			for _, damage := range fileDamages {
				for _, file := range []int{1, 3, 5} {
					if snapshot && file == 1 {
						file = 2
					}
					if file == 5 && damage.name == "cut in the slots" {
						continue // it has 50 entries
					}
					name := fmt.Sprintf("%s %d encrypted %v snapshot %v", damage.name, file, key != nil, snapshot)
					t.Run(name, func(t *testing.T) {
						dir := copyOf(t, sound)
						path := filepath.Join(dir, fmt.Sprintf("%05d.wal", file))
						damage.damage(t, fixture.Edit(t, path))
						lost := firstIn(file, snapshot)
						if damage.lost != nil {
							k := damage.lost(fixture.Edit(t, path))
							lost = max(lost, uint64(slotsPerFile*(file-1)+1+k))
							if k < 0 {
								lost = lastEntry + 1
							}
						}
						checkLost(t, dir, Options{Key: key}, want, lost, snapshot)
					})
				}
			}
		}
	}
}

// checkLost checks the repair of a log that has lost the entry at index lost.
func checkLost(t *testing.T, dir string, opts Options, want map[uint64]wantEntry, lost uint64, snapshot bool) {
	t.Helper()
	if lost == 1 && !snapshot {
		refused(t, dir, opts, walcore.ErrDamaged)
		return
	}
	p := repaired(t, dir, opts, want)
	if p == nil {
		return
	}
	// Nothing bears out the length of an entry before slots that are lost, if the file is
	// full and does not end with it: it need not be believed.
	if len(p.LeftOut) > 0 && p.Last == lost-2 && strings.Contains(p.LeftOut[0].Why, " slot 19 ") {
		lost--
	}
	if p.Last != lost-1 || snapshot != (p.Snapshot != nil) {
		t.Errorf("entries up to %d are kept, want %d; snapshot %v\nproblems %v\nleft out %v", p.Last, lost-1, p.Snapshot.GetMetadata(), p.Problems, p.LeftOut)
	}
	if wantCommit := min(commitIndex, lost-1); p.State.Commit != wantCommit {
		t.Errorf("commit %d, want %d", p.State.Commit, wantCommit)
	}
	if wantLost := lost <= commitIndex; p.Lost != wantLost {
		t.Errorf("lost %v, want %v: %v", p.Lost, wantLost, p.Remarks)
	}
}
