package backup_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/etcdlog"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/backup"
	"github.com/walfs/walfs/walcore/detect"
)

// others are fixtures of other systems than Dgraph.
var others = []string{"etcd-small", "etcd-rewritten", "hashicorp-bolt-n2", "hashicorp-wal-n2"}

func openAny(t *testing.T, dir string) walcore.Log {
	t.Helper()
	log, err := detect.Open(dir, detect.Options{})
	fixture.Must(t, err)
	return log
}

// TestOtherSystems: a copy has the entries and the metadata of the original, which stays as it
// is. Times are the original's.
func TestOtherSystems(t *testing.T) {
	for _, name := range others {
		dir := fixture.Dir(t, name)
		fixture.Age(t, dir)
		before := fixture.State(t, dir)
		for _, way := range ways {
			out, c, err := way.copy(t, t.Context(), openAny(t, dir), backup.Options{})
			fixture.Must(t, err)
			checkSame(t, out, c.Log)
			for _, file := range c.Files {
				was, err := os.Stat(filepath.Join(dir, file))
				fixture.Must(t, err)
				st, err := os.Stat(filepath.Join(out, file))
				fixture.Must(t, err)
				if way.name == "folder" && !st.ModTime().Equal(was.ModTime()) || st.Mode() != 0o600 {
					t.Errorf("%s: %s has mode %v, time %v, want %v", name, file, st.Mode(), st.ModTime(), was.ModTime())
				}
				if st, err := os.Stat(filepath.Dir(filepath.Join(out, file))); err != nil || file != filepath.Base(file) && st.Mode().Perm() != 0o700 {
					t.Errorf("%s: the folder of %s has mode %v, %v", name, file, st.Mode(), err)
				}
			}
			fixture.Must(t, c.Log.Close())
		}
		if now := fixture.State(t, dir); now != before {
			t.Errorf("%s: the directory is\n%sbefore:\n%s", name, now, before)
		}
	}
}

// checkSame wants a copy to have what a log has, and no problem.
func checkSame(t *testing.T, dir string, want walcore.Log) {
	t.Helper()
	got := openAny(t, dir)
	defer got.Close()
	if len(got.Problems()) > 0 || !slices.Equal(got.Terms(), want.Terms()) {
		t.Errorf("%v, terms %v, want %v", got.Problems(), got.Terms(), want.Terms())
	}
	for e := range want.Entries(0) {
		wanted, err := e.Data()
		fixture.Must(t, err)
		copied, err := got.Entry(e.Index)
		fixture.Must(t, err)
		data, err := copied.Data()
		if err != nil || copied.Term != e.Term || copied.Type != e.Type || !bytes.Equal(data, wanted) {
			t.Fatalf("entry %d is another one: %+v, %v", e.Index, copied, err)
		}
	}
	a, b := got.Meta(), want.Meta()
	sameHard := a.HardState == b.HardState || a.HardState != nil && b.HardState != nil && *a.HardState == *b.HardState
	sameStable := a.Stable == b.Stable || a.Stable != nil && b.Stable != nil && *a.Stable == *b.Stable
	if !sameHard || !sameStable || a.Snapshot.Index != b.Snapshot.Index || len(a.Snapshots) != len(b.Snapshots) {
		t.Errorf("metadata %+v, want %+v", a, b)
	}
}

// TestOthersAreNotCompacted: their nodes want entries before the snapshot.
func TestOthersAreNotCompacted(t *testing.T) {
	for _, way := range ways {
		_, _, err := way.copy(t, t.Context(), openAny(t, fixture.Dir(t, "hashicorp-wal-n2")), backup.Options{Compact: true})
		if err == nil || !strings.Contains(err.Error(), "Dgraph's logs only") {
			t.Error(err)
		}
	}
}

// TestDatabaseChangesWhileCopying: a database that gets newer transactions while it is copied is
// copied again. The pages of the first one are written over.
func TestDatabaseChangesWhileCopying(t *testing.T) {
	for _, way := range ways {
		for _, step := range []int{1, 2} {
			dir := fixture.Dir(t, "etcd-small")
			name := filepath.Join(dir, "member/snap/db")
			db := fixture.Edit(t, name)
			states := [][]byte{fixture.ReadFile(t, name)}
			steps := 0
			out, c, err := way.copy(t, t.Context(), openAny(t, dir), backup.Options{Progress: func(int64, int64) {
				if steps++; steps >= step && len(states) < 4 {
					rewrite(db)
					states = append(states, fixture.ReadFile(t, name))
				}
			}})
			fixture.Must(t, err)
			checkSame(t, out, c.Log)
			got := fixture.ReadFile(t, filepath.Join(out, "member/snap/db"))
			at := slices.IndexFunc(states, func(s []byte) bool { return bytes.Equal(got, s[:len(got)]) })
			if at < 0 || step == 1 && at == 0 {
				t.Errorf("%s, step %d: the database is that of state %d", way.name, step, at)
			}
			fixture.Must(t, c.Log.Close())
		}
	}
}

// rewrite is two transactions that move all buckets: the root goes to a page that was free, and
// its old page gets other bytes.
func rewrite(db fixture.File) {
	le := binary.LittleEndian
	const pageSize = 4096
	var root uint64
	db.CommitBolt(func(meta []byte) {
		var pages uint64
		root, pages = le.Uint64(meta[32:]), le.Uint64(meta[56:])
		page := db.Read(int64(root)*pageSize, pageSize)
		le.PutUint64(page, pages)
		db.Write(int64(pages)*pageSize, page)
		le.PutUint64(meta[32:], pages)
		le.PutUint64(meta[56:], pages+1)
	})
	db.CommitBolt(nil)
	db.Write(int64(root)*pageSize, bytes.Repeat([]byte{0xee}, pageSize))
}

// TestOtherDamage: a directory that no node starts on is refused, and nothing is left.
func TestOtherDamage(t *testing.T) {
	dir := fixture.Dir(t, "etcd-rewritten")
	fixture.Must(t, os.Remove(filepath.Join(dir, "member/wal/0000000000000002-0000000000000145.wal")))
	temp := t.TempDir()
	for _, out := range []string{"out"} {
		_, err := toPath(out)(t.Context(), openAny(t, dir), filepath.Join(temp, out), backup.Options{})
		if !errors.Is(err, walcore.ErrDamaged) {
			t.Error(err)
		}
	}
	wantNames(t, temp)
}

// TestSnapshotIsLost: of a log that reaches back to its beginning there is a copy, though the
// snapshot that it names is gone.
func TestSnapshotIsLost(t *testing.T) {
	dir := t.TempDir()
	w, err := etcdlog.Create(dir, etcdlog.Options{})
	fixture.Must(t, err)
	fixture.Must(t, os.Remove(filepath.Join(dir, "member/snap/db")))
	for index := uint64(1); index <= 3; index++ {
		fixture.Must(t, w.Append(etcdlog.Entry{Term: 1, Index: index, Data: []byte("x")}))
	}
	fixture.Must(t, w.State(1, 1, 3))
	fixture.Must(t, w.NameSnapshot(1, 2))
	fixture.Must(t, errors.Join(w.Flush(), w.Close()))
	out := filepath.Join(t.TempDir(), "out")
	c, err := backup.ToFolder(t.Context(), openAny(t, dir), out, backup.Options{})
	fixture.Must(t, err)
	defer c.Log.Close()
	if walcore.Count(openAny(t, out)) != 3 {
		t.Errorf("the copy has other entries: %+v", c)
	}
}
