package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// memDir makes a folder in memory where there is one: these tests open
// thousands of directories and need no disk.
func memDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "walfs-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

var smallFiles = limits{slots: 10, bytes: format.MaxFileSize}

func patch(t testing.TB, dir, name string, at int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR, 0)
	fixture.Must(t, err)
	_, err = f.WriteAt(b, at)
	fixture.Must(t, err)
	fixture.Must(t, f.Close())
}

func peek(t testing.TB, dir, name string, at int64, n int) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	fixture.Must(t, err)
	defer f.Close()
	b := make([]byte, n)
	_, err = f.ReadAt(b, at)
	fixture.Must(t, err)
	return b
}

// wantLog checks that the log is the entries that someEntries gives.
func wantLog(t testing.TB, s *DiskStorage, want ...*raftpb.Entry) {
	t.Helper()
	last, _ := s.LastIndex()
	if last != want[len(want)-1].GetIndex() {
		t.Fatalf("the log ends at %d, want %d", last, want[len(want)-1].GetIndex())
	}
	got, err := s.Entries(want[0].GetIndex(), last+1, 1<<40)
	fixture.Must(t, err)
	for i := range got {
		if !proto.Equal(got[i], want[i]) {
			t.Fatalf("got %v, want %v", got[i], want[i])
		}
	}
}

func snapshotDir(t testing.TB, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	fixture.Must(t, err)
	out := ""
	for _, e := range list {
		info, err := e.Info()
		fixture.Must(t, err)
		out += fmt.Sprintln(e.Name(), info.Size(), info.ModTime().UnixNano())
	}
	return out
}

// create makes an empty storage that is closed with the test.
func create(t testing.TB, dir string, opts Options) *DiskStorage {
	t.Helper()
	opts.Create = true
	return reopen(t, dir, opts)
}

// reopen opens a storage that is closed with the test, if it is still open.
func reopen(t testing.TB, dir string, opts Options) *DiskStorage {
	t.Helper()
	s, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// someEntries makes entries of a term, each with some bytes that tell it.
func someEntries(term, from uint64, n int) []*raftpb.Entry {
	var list []*raftpb.Entry
	for i := range n {
		list = append(list, &raftpb.Entry{Term: proto.Uint64(term), Index: proto.Uint64(from + uint64(i)),
			Data: killData(term, from+uint64(i))})
	}
	return list
}

func hard(term, vote, commit uint64) *raftpb.HardState {
	return &raftpb.HardState{Term: &term, Vote: &vote, Commit: &commit}
}

// oneVoter is the conf state of a node alone.
var oneVoter = &raftpb.ConfState{Voters: []uint64{1}}

// openReader reads a directory until the test ends.
func openReader(t testing.TB, dir string, key []byte) *dgraph.Reader {
	t.Helper()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// viewEntries reads all of entries/ through the mount's tree, until fn says
// what is wrong.
func viewEntries(r *dgraph.Reader, fn func(index uint64, data []byte, err error) string) error {
	tree := fsview.New(r, nil)
	list, err := fs.ReadDir(tree, "entries")
	if err != nil {
		return err
	}
	for _, e := range list {
		index, err := strconv.ParseUint(e.Name(), 10, 64)
		if err != nil {
			return err
		}
		data, err := fs.ReadFile(tree, "entries/"+e.Name())
		if p := fn(index, data, err); p != "" {
			return errors.New(p)
		}
	}
	return nil
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// skip is for what cannot run here; in CI everything must.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}
