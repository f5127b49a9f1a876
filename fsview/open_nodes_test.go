//go:build unix

package fsview

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
)

// openNodes are nodes that somebody has open, and the bytes that they gave.
type openNodes map[Node][]byte

// open reads files of the newest tree. Those that were open already must have the same
// bytes.
func (o openNodes) open(t *testing.T, live *Live, paths ...string) {
	t.Helper()
	for _, path := range paths {
		n, a, err := live.Tree().walk("test", path, true)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		b := make([]byte, a.Size)
		if k, err := live.ReadAt(n, b, 0); k != len(b) || err != nil && err != io.EOF {
			t.Fatalf("%s: %d of %d bytes, %v", path, k, len(b), err)
		}
		if old, known := o[n]; known && !bytes.Equal(old, b) {
			t.Errorf("%s: the node is the same, its bytes are not", path)
		}
		o[n] = b
	}
}

// check wants the bytes that each node gave, or an error.
func (o openNodes) check(t *testing.T, live *Live) {
	t.Helper()
	for n, want := range o {
		got := make([]byte, len(want)+1)
		k, err := live.ReadAt(n, got, 0)
		if (err == nil || err == io.EOF) && !bytes.Equal(got[:k], want) {
			t.Fatalf("node %#x: got %d bytes, want %d or an error", uint64(n), k, len(want))
		}
		if a, err := live.Attr(n); err == nil && a.Size != int64(len(want)) {
			t.Fatalf("node %#x: size %d, want %d or an error", uint64(n), a.Size, len(want))
		}
	}
}

// TestOpenNodes: a node of an earlier tree gives the bytes that it gave, or an error,
// however many trees come after it.
func TestOpenNodes(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 80})
	defer w.Close()
	w.Append(195)
	w.CommitTo(100)
	r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	live := NewLive(New(r, nil))
	defer func() { live.Close() }()
	nodes := openNodes{}
	for round := range 32 {
		nodes.open(t, live, "entries/50", "entries/130", "entries/180", "decoded/130.json", "meta/last_index",
			"meta/hard_state/commit", "snapshots/latest/data", "snapshots/latest/metadata.json", "status.json",
			"jsonl/00001.wal.jsonl", "jsonl/00002.wal.jsonl", "jsonl/00003.wal.jsonl")
		switch round % 4 {
		case 0:
			w.Append(20)
		case 1:
			w.Rewind(150)
			w.Append(50)
			w.CommitTo(w.Commit)
		case 2:
			w.Rewind(110)
			w.Append(100)
		case 3:
			w.Snapshot(uint64(20 + round))
		}
		before := live.Tree()
		next, err := before.log.(walcore.Follower).Refresh()
		if err != nil {
			t.Fatal(err)
		}
		live.swap(before.next(next, nil))
		nodes.check(t, live)
	}
}
