package hashicorp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// TestFind: all names that people give for a directory lead to it.
func TestFind(t *testing.T) {
	touch := func(names ...string) string {
		dir := t.TempDir()
		for _, name := range names {
			fixture.Must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700))
			fixture.WriteFile(t, filepath.Join(dir, name), nil)
		}
		return dir
	}
	consul, nomad := touch("raft/raft.db"), touch("server/raft/wal/wal-meta.db")
	flat := touch("wal-meta.db")
	both := touch("raft/raft.db", "raft/wal/wal-meta.db")
	for _, test := range []struct {
		name string
		want Found
	}{
		{consul, Found{filepath.Join(consul, "raft"), BoltDB, ""}},
		{filepath.Join(consul, "raft"), Found{filepath.Join(consul, "raft"), BoltDB, ""}},
		{filepath.Join(consul, "raft", boltName), Found{filepath.Join(consul, "raft"), BoltDB, ""}},
		{nomad, Found{filepath.Join(nomad, "server/raft"), RaftWAL, walFolder}},
		{filepath.Join(nomad, "server/raft/wal"), Found{filepath.Join(nomad, "server/raft"), RaftWAL, walFolder}},
		{flat, Found{flat, RaftWAL, ""}},
		{filepath.Join(both, "raft/wal"), Found{filepath.Join(both, "raft"), RaftWAL, walFolder}},
		{filepath.Join(both, "raft/raft.db"), Found{filepath.Join(both, "raft"), BoltDB, ""}},
	} {
		if got, err := Find(test.name); err != nil || got != test.want {
			t.Errorf("%s: %+v, %v; want %+v", test.name, got, err, test.want)
		}
	}
	for _, test := range []struct {
		name string
		want error
		says []string
	}{
		{both, errTwoLogs, []string{"has two logs, raft.db and wal/wal-meta.db", filepath.Join(both, "raft/raft.db"), filepath.Join(both, "raft/wal")}},
		{t.TempDir(), walcore.ErrNotRaftDir, []string{"raft.db", "wal/wal-meta.db", "server/raft/raft.db"}},
		{filepath.Join(flat, "none"), fs.ErrNotExist, []string{"none"}},
	} {
		_, err := Find(test.name)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		for _, part := range test.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
	}
}

// TestNamesInDirectory: what belongs to the log, and what does not.
func TestNamesInDirectory(t *testing.T) {
	dir := fixture.Dir(t, "hashicorp-wal-n2")
	for _, name := range []string{"peers.info", "wal/00000000000000000001-0000000000000000.wal", "snapshots/9-9999-1.tmp/state.bin", "other/raft.db"} {
		fixture.Must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700))
		fixture.WriteFile(t, filepath.Join(dir, name), []byte("x"))
	}
	r := open(t, dir)
	if got := strings.Join(r.Meta().Ignored, " "); got != "other peers.info snapshots/9-9999-1.tmp wal/00000000000000000001-0000000000000000.wal" {
		t.Errorf("ignored: %s", got)
	}
	var native []string
	for _, n := range r.Native() {
		native = append(native, n.Name)
	}
	if got := strings.Join(native, " "); !strings.HasPrefix(got, "peers.info snapshots/3-1356-1795568573281/meta.json ") || len(native) != 8 {
		t.Errorf("native: %s", got)
	}
	if len(r.Problems()) > 0 {
		t.Errorf("%v", r.Problems())
	}
}

// TestSnapshots: all whole ones are listed, the oldest first, and the newest whole one counts.
func TestSnapshots(t *testing.T) {
	dir := fixture.Dir(t, "hashicorp-bolt-n2")
	whole := filepath.Join(dir, "snapshots/3-1356-1795568569570")
	for name, change := range map[string][2]string{
		"snapshots/2-500-1":  {`"Index":1356,"Term":3`, `"Index":500,"Term":2`},
		"snapshots/3-1400-1": {`"Index":1356`, `"Index":1400`},
		"snapshots/4-1410-1": {`"CRC":"d`, `"CRC":"e`},
	} {
		to := filepath.Join(dir, name)
		fixture.Must(t, os.CopyFS(to, os.DirFS(whole)))
		b := strings.Replace(string(fixture.ReadFile(t, filepath.Join(to, snapshotMeta))), change[0], change[1], 1)
		fixture.WriteFile(t, filepath.Join(to, snapshotMeta), []byte(b))
	}
	r := open(t, dir)
	var indexes []uint64
	for _, s := range r.Meta().Snapshots {
		indexes = append(indexes, s.Index)
	}
	if len(indexes) != 3 || indexes[0] != 500 || indexes[2] != 1400 || r.Meta().Snapshot.Index != 1400 {
		t.Errorf("snapshots at %v, the newest at %d", indexes, r.Meta().Snapshot.Index)
	}
	if p := r.Problems(); len(p) != 1 || p[0].Kind != walcore.KindSnapshot || p[0].File != "snapshots/4-1410-1" {
		t.Errorf("%v", p)
	}
	// None is read again while it stays as it is, not the damaged one either.
	fixture.WriteFile(t, filepath.Join(dir, "another"), nil)
	next := refresh(t, r)
	if next == r || !slices.Equal(next.snapshots, r.snapshots) {
		t.Error("snapshots were read again")
	}
	r = next
	// Another file in the place of one that was listed is not given for it.
	s := r.Meta().Snapshots[2]
	state := filepath.Join(dir, "snapshots/3-1400-1", snapshotState)
	fixture.Must(t, os.Rename(state, state+".old"))
	fixture.WriteFile(t, state, make([]byte, s.Data.Size))
	if _, err := s.Data.ReadAt(make([]byte, 1), 0); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("%v", err)
	}
}

// TestSnapshotGoes: what a node leaves of a snapshot when it is killed while it removes it is
// ignored. Of the newest one it is damage.
func TestSnapshotGoes(t *testing.T) {
	dir := fixture.Dir(t, "hashicorp-bolt-n2")
	const name = "snapshots/3-1356-1795568569570"
	for folder, missing := range map[string]string{"snapshots/2-1000-7": snapshotMeta, "snapshots/3-900-7": snapshotState} {
		fixture.Must(t, os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join(dir, name))))
		fixture.Must(t, os.Remove(filepath.Join(dir, folder, missing)))
	}
	r := open(t, dir)
	if got := strings.Join(r.Meta().Ignored, " "); got != "snapshots/2-1000-7/state.bin snapshots/3-900-7/meta.json" || len(r.Problems()) > 0 {
		t.Errorf("ignored: %s; %v", got, r.Problems())
	}
	fixture.Must(t, os.Remove(filepath.Join(dir, name, snapshotState)))
	if r = refresh(t, r); len(r.Problems()) != 3 || r.Problems()[0].Kind != walcore.KindSnapshot {
		t.Errorf("%v", r.Problems())
	}
}

// TestSnapshotsComeAndGo: while the directory is read, a node writes a snapshot and removes the
// one before, file by file. At no moment is that damage.
func TestSnapshotsComeAndGo(t *testing.T) {
	dir := fixture.Dir(t, "hashicorp-bolt-n2")
	before := filepath.Join(dir, "snapshots/3-1356-1795568569570")
	turns, done := make(chan int, 1), make(chan error, 1)
	go func() {
		var err error
		for n := range turns {
			next := filepath.Join(dir, fmt.Sprintf("snapshots/3-1356-%d", n))
			err = errors.Join(err, os.CopyFS(next+unfinished, os.DirFS(before)), os.Rename(next+unfinished, next), os.RemoveAll(before))
			before = next
		}
		done <- err
	}()
	r := open(t, dir)
	for n := range 300 {
		turns <- n
		next, err := r.Refresh()
		fixture.Must(t, err)
		r = next.(*Reader)
		if len(r.Problems()) > 0 || r.Meta().Snapshot.Index != 1356 {
			t.Errorf("snapshot at %d, %v", r.Meta().Snapshot.Index, r.Problems())
		}
	}
	close(turns)
	fixture.Must(t, <-done)
}
