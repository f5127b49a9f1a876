package etcd

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/etcdlog"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// FuzzSegments reads two segments of any bytes, and a snapshot. All that is listed can be read,
// indexes and terms go up, and nothing takes long or panics.
func FuzzSegments(f *testing.F) {
	dir := fixture.Dir(f, "etcd-small")
	sound := fixture.ReadFile(f, segmentFiles(f, dir)[0])
	sound = sound[:bytes.LastIndexFunc(sound, func(r rune) bool { return r != 0 })+8]
	whole := etcdlog.SnapshotFile(2, 7, []byte("state"), 1, 2, 3)
	f.Add(sound[:3000], []byte{}, whole)
	f.Add(sound, sound[:500], whole[:20])
	dir, _ = write(f, 40, 20, etcdlog.Options{SegmentSize: 1 << 10})
	files := segmentFiles(f, dir)
	f.Add(fixture.ReadFile(f, files[0]), fixture.ReadFile(f, files[1]), whole)
	dir = f.TempDir()
	f.Fuzz(func(t *testing.T, a, b, snapshot []byte) {
		wal, snap := filepath.Join(dir, "wal"), filepath.Join(dir, "snap")
		fixture.Must(t, mkdirs(wal, snap))
		fixture.WriteFile(t, filepath.Join(wal, segmentName{0, 0}.String()), a)
		fixture.WriteFile(t, filepath.Join(wal, segmentName{1, 9}.String()), b)
		fixture.WriteFile(t, filepath.Join(snap, "0000000000000002-0000000000000007.snap"), snapshot)
		r, err := Open(dir)
		fixture.Must(t, err)
		defer r.Close()
		last := walcore.Entry{}
		n := 0
		for e := range r.Entries(0) {
			if e.Index <= last.Index || e.Term < last.Term {
				t.Fatalf("%+v behind %+v", e, last)
			}
			if _, err := e.Data(); err != nil {
				t.Fatalf("%+v: %v", e, err)
			}
			last = e
			n++
		}
		if n != walcore.Count(r) {
			t.Fatalf("%d entries, %d by terms", n, walcore.Count(r))
		}
		for e := range r.Replaced(0) {
			if _, err := e.Data(); err != nil {
				t.Fatalf("replaced %+v: %v", e, err)
			}
		}
		for _, s := range r.Meta().Snapshots {
			if _, err := s.Data.ReadAt(make([]byte, s.Data.Size), 0); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func mkdirs(paths ...string) error {
	for _, path := range paths {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
	}
	return nil
}
