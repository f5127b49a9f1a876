package backup_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/backup"
	"github.com/walfs/walfs/walcore/check"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/storage"
	"go.etcd.io/raft/v3"
)

// way is one of the ways to copy a directory. It gives the copy as a folder.
type way struct {
	name string
	copy func(t *testing.T, ctx context.Context, log walcore.Log, o backup.Options) (string, *backup.Copy, error)
}

var ways = []way{
	{"folder", func(t *testing.T, ctx context.Context, log walcore.Log, o backup.Options) (string, *backup.Copy, error) {
		out := filepath.Join(t.TempDir(), "out")
		c, err := backup.ToFolder(ctx, log, out, o)
		return out, c, err
	}},
	{"tar", func(t *testing.T, ctx context.Context, log walcore.Log, o backup.Options) (string, *backup.Copy, error) {
		out := filepath.Join(t.TempDir(), "out.tar")
		c, err := backup.ToTar(ctx, log, out, o)
		if err != nil {
			return "", nil, err
		}
		return unpack(t, out), c, nil
	}},
	{"stream", func(t *testing.T, ctx context.Context, log walcore.Log, o backup.Options) (string, *backup.Copy, error) {
		out := filepath.Join(t.TempDir(), "stream")
		f, err := os.Create(out)
		fixture.Must(t, err)
		defer f.Close()
		c, err := backup.ToStream(ctx, log, f, o)
		if err != nil {
			return "", nil, err
		}
		return unpack(t, out), c, nil
	}},
}

// unpack gives the folder that an archive is unpacked to.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("tar", "-xpf", archive, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v %s", err, out)
	}
	return dir
}

func open(t *testing.T, dir string, key []byte) *dgraph.Reader {
	t.Helper()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: key})
	fixture.Must(t, err)
	return r
}

// TestFixtures copies what Dgraph wrote. A copy has the entries of the manifest and no
// problem, it opens for writing, and a node on it gets to the commit index. Its files are
// the image's, byte for byte.
func TestFixtures(t *testing.T) {
	for _, name := range fixture.Size(fixture.Small, fixture.All()) {
		for _, way := range ways {
			if name == "bigdata" && way.name != "folder" {
				continue // it takes long
			}
			t.Run(name+"/"+way.name, func(t *testing.T) {
				dir, key := fixture.ShortDir(t, name), fixture.Key(name)
				original := open(t, dir, nil)
				image, err := original.Image()
				fixture.Must(t, err)
				out, c, err := way.copy(t, t.Context(), original, backup.Options{})
				fixture.Must(t, err)
				for _, f := range image {
					want := make([]byte, f.Attr.Size)
					_, err := f.ReadAt(want, 0)
					fixture.Must(t, err)
					if !bytes.Equal(fixture.ReadFile(t, filepath.Join(out, f.Name)), want) {
						t.Errorf("%s is not the image's", f.Name)
					}
					st, err := os.Stat(filepath.Join(out, f.Name))
					fixture.Must(t, err)
					if st.Mode() != 0o600 || way.name == "folder" && !st.ModTime().Equal(f.Attr.Mtime) {
						t.Errorf("%s has mode %v, time %v, want 0600, %v", f.Name, st.Mode(), st.ModTime(), f.Attr.Mtime)
					}
				}
				fixture.Must(t, c.Log.Close())
				checkSound(t, out, key, c)
				manifest := fixture.ReadManifest(t, name)
				checkEntries(t, out, key, manifest)
				if len(c.Problems) == 0 {
					checkNode(t, out, key, c)
				}
			})
		}
	}
}

// checkEntries wants a copy to have a manifest's entries, and no problem but those of keys.
func checkEntries(t *testing.T, dir string, key []byte, m *fixture.Manifest) {
	t.Helper()
	r := open(t, dir, key)
	defer r.Close()
	erased := false
	for _, p := range r.Problems() {
		if erased = p.Kind == walcore.KindKeyErased; !erased {
			t.Error(p)
		}
	}
	var got []fixture.Entry
	for e := range r.Entries(0) {
		data, err := e.Data()
		if err != nil && !erased {
			t.Fatal(err)
		}
		got = append(got, fixture.Entry{Term: e.Term, Index: e.Index, Type: int32(e.Type), Size: e.Size, SHA256: fmt.Sprintf("%x", sha256.Sum256(data))})
	}
	if !erased && !slices.Equal(got, m.Entries) || len(got) != len(m.Entries) {
		t.Errorf("%d entries, want the %d of the manifest", len(got), len(m.Entries))
	}
}

// checkSound wants walfs check to find no damage.
func checkSound(t *testing.T, dir string, key []byte, c *backup.Copy) {
	t.Helper()
	report, err := check.Run(t.Context(), open(t, dir, key), check.Options{})
	fixture.Must(t, err)
	if !report.Sound && len(c.Problems) == 0 {
		t.Errorf("%s: %+v", report.Verdict, report.Problems)
	}
}

// checkNode opens a copy for writing, which must change nothing, and starts a node.
func checkNode(t *testing.T, dir string, key []byte, c *backup.Copy) {
	t.Helper()
	s, err := storage.Open(dir, storage.Options{Key: key, Logger: slog.New(slog.DiscardHandler)})
	fixture.Must(t, err)
	defer s.Close()
	for _, p := range s.Problems() {
		t.Error("opened for writing:", p)
	}
	first, err := s.FirstIndex()
	fixture.Must(t, err)
	last, err := s.LastIndex()
	fixture.Must(t, err)
	if first != c.First || last != c.Last {
		t.Errorf("entries %d to %d, the copy is said to have %d to %d", first, last, c.First, c.Last)
	}
	rn, err := raft.NewRawNode(&raft.Config{ID: 1, ElectionTick: 10, HeartbeatTick: 1, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256,
		Storage: s, Applied: first - 1, Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}})
	fixture.Must(t, err)
	applied := first - 1
	for rn.HasReady() {
		rd := rn.Ready()
		for _, e := range rd.CommittedEntries {
			applied = e.GetIndex()
		}
		rn.Advance(rd)
	}
	if applied != *c.Commit {
		t.Errorf("a node gets to %d, the commit index is %d", applied, *c.Commit)
	}
}

// TestWhereTo: a copy overwrites nothing, and does not go into the directory itself.
func TestWhereTo(t *testing.T) {
	dir := fixture.Dir(t, "empty")
	temp := t.TempDir()
	full, file, archive := filepath.Join(temp, "full"), filepath.Join(temp, "file"), filepath.Join(temp, "file.tar")
	fixture.Must(t, os.MkdirAll(filepath.Join(full, "x"), 0o700))
	fixture.WriteFile(t, file, []byte("x"))
	fixture.WriteFile(t, archive, []byte("x"))
	for out, want := range map[string]string{
		full: "is not empty", file: "exists already", archive: "exists already", dir: "is not empty",
		filepath.Join(dir, "out"): "not to be changed", filepath.Join(dir, "out.tar"): "not to be changed",
		filepath.Join(temp, "no", "out"): "no such file",
	} {
		to := backup.ToFolder
		if strings.HasSuffix(out, ".tar") {
			to = backup.ToTar
		}
		if _, err := to(t.Context(), open(t, dir, nil), out, backup.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("to %s: %v, want %q", out, err, want)
		}
	}
	wantNames(t, temp, "file", "file.tar", "full")
	fixture.Must(t, os.Remove(filepath.Join(full, "x")))
	c, err := backup.ToFolder(t.Context(), open(t, dir, nil), full+"/", backup.Options{})
	fixture.Must(t, err)
	fixture.Must(t, c.Log.Close())
	wantNames(t, full, "wal.meta")
}

// wantNames wants nothing but these in a folder.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	fixture.Must(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s has %q, want %q", dir, got, want)
	}
}
