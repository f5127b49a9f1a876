//go:build unix

package fsview

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
)

// linesLog is a log that is written, and the newest of the trees that follow it.
type linesLog struct {
	t    *testing.T
	w    *raftdir.Writer
	d    *countingDecoder
	live *Live
}

func newLinesLog(t *testing.T) *linesLog {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 80})
	t.Cleanup(w.Close)
	w.Append(195)
	w.CommitTo(100)
	r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{})
	fixture.Must(t, err)
	l := &linesLog{t, w, newCountingDecoder(), nil}
	l.live = NewLive(New(r, l.d))
	t.Cleanup(func() { l.live.Close() })
	return l
}

// follow makes the tree of the directory as it is now.
func (l *linesLog) follow() (before, after *Tree) {
	l.t.Helper()
	before = l.live.Tree()
	log, err := before.log.(walcore.Follower).Refresh()
	fixture.Must(l.t, err)
	after = before.next(log, nil)
	l.live.swap(after)
	return before, after
}

// find looks up a file, and reads it.
func (l *linesLog) find(name string) (Node, []byte) {
	l.t.Helper()
	tree := l.live.Tree()
	n, _, err := tree.walk("test", "jsonl/"+name, true)
	fixture.Must(l.t, err)
	return n, read(l.t, tree, "jsonl/"+name)
}

// readNode reads what is under a node.
func (l *linesLog) readNode(n Node, size int) ([]byte, error) {
	p := make([]byte, size+1)
	k, err := l.live.ReadAt(n, p, 0)
	if err == io.EOF {
		err = nil
	}
	return p[:k], err
}

func (l *linesLog) decoded(fn func()) int64 {
	before := l.d.asked.Load()
	fn()
	return l.d.asked.Load() - before
}

// TestLinesGrow: when entries are added, the newest file is another one, of which only the
// last piece and what was added is decoded. Who has the one before open reads on in it. The
// other files are as they were, and nothing of them is decoded again.
func TestLinesGrow(t *testing.T) {
	l := newLinesLog(t)
	oldNode, old := l.find("00003.wal.jsonl")
	fullNode, full := l.find("00001.wal.jsonl")
	l.w.Append(10)
	l.follow()
	var newNode, node Node
	var lines []byte
	if n := l.decoded(func() { newNode, lines = l.find("00003.wal.jsonl") }); n > 45+45 {
		t.Errorf("%d entries were decoded", n)
	}
	if newNode == oldNode || !bytes.HasPrefix(lines, old) || len(lines) == len(old) || bytes.Count(lines, []byte("\n")) != 45 {
		t.Errorf("node %#x, then %#x: %.300q, then %.300q", uint64(oldNode), uint64(newNode), old, lines)
	}
	if got, err := l.readNode(oldNode, len(old)); err != nil || !bytes.Equal(got, old) {
		t.Errorf("the one that was open: %d bytes, want %d (%v)", len(got), len(old), err)
	}
	if a, err := l.live.Attr(oldNode); err != nil || a.Size != int64(len(old)) {
		t.Errorf("it has %d bytes (%v), want %d", a.Size, err, len(old))
	}
	if n := l.decoded(func() { node, lines = l.find("00001.wal.jsonl") }); n > 0 || node != fullNode || !bytes.Equal(lines, full) {
		t.Errorf("a full file: %d entries were decoded again, node %#x, then %#x", n, uint64(fullNode), uint64(node))
	}
}

// TestLinesGrowByAPiece: of a long text only what was added is decoded, and its last piece.
func TestLinesGrowByAPiece(t *testing.T) {
	l := newLinesLog(t)
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 4000})
	t.Cleanup(w.Close)
	w.Append(3000)
	r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{})
	fixture.Must(t, err)
	l.live.Close()
	l.w, l.live = w, NewLive(New(r, l.d))
	_, old := l.find("00001.wal.jsonl")
	w.Append(1)
	_, after := l.follow()
	if n := l.decoded(func() { _, _, err = after.walk("test", "jsonl/00001.wal.jsonl", true) }); err != nil || n > 1000 || len(old) < 5*pieceBytes {
		t.Errorf("%d entries were decoded, of %d bytes (%v)", n, len(old), err)
	}
	_, lines := l.find("00001.wal.jsonl")
	if !bytes.HasPrefix(lines, old) || bytes.Count(lines, []byte("\n")) != 3001 {
		t.Errorf("%d bytes, then %d", len(old), len(lines))
	}
	if anew := read(t, New(after.log, l.d), "jsonl/00001.wal.jsonl"); !bytes.Equal(anew, lines) {
		t.Error("a new tree has other lines")
	}
}

// TestLinesOfReplaced: when entries are replaced, or removed with their file, who has their
// lines open gets an error, or the old bytes.
func TestLinesOfReplaced(t *testing.T) {
	for name, change := range map[string]func(*raftdir.Writer){
		"rewritten": func(w *raftdir.Writer) { w.Rewind(180); w.Append(15) },
		"cut off":   func(w *raftdir.Writer) { w.Rewind(180) },
		"compacted": func(w *raftdir.Writer) { w.CommitTo(195); w.Snapshot(190) },
		"emptied":   func(w *raftdir.Writer) { w.Append(1); w.Empty(190) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLinesLog(t)
			nodes := map[Node][]byte{}
			for _, file := range []string{"00001.wal.jsonl", "00003.wal.jsonl"} {
				n, lines := l.find(file)
				nodes[n] = lines
			}
			change(l.w)
			check := func() {
				t.Helper()
				for n, want := range nodes {
					if got, err := l.readNode(n, len(want)); err == nil && !bytes.Equal(got, want) {
						t.Errorf("node %#x: %d bytes, want %d or an error", uint64(n), len(got), len(want))
					}
				}
			}
			check()
			_, after := l.follow()
			check()
			for _, f := range after.files {
				n, lines := l.find(f.Name + linesSuffix)
				if want := wantLines(t, after.log, f, l.d); !bytes.Equal(lines, want) {
					t.Errorf("%s: %.300q, want %.300q", f.Name, lines, want)
				}
				if old, known := nodes[n]; known && !bytes.Equal(old, lines) {
					t.Errorf("%s has other lines under the same node", f.Name)
				}
			}
		})
	}
}

// TestLinesWhileReplaced: a tree that does not know yet that entries were replaced gives no
// lines of others.
func TestLinesWhileReplaced(t *testing.T) {
	l := newLinesLog(t)
	_, err := fs.ReadDir(l.live.Tree(), "entries") // so that it knows which were whole
	fixture.Must(t, err)
	l.w.Rewind(180)
	l.w.Append(15)
	if _, err := fs.ReadFile(l.live.Tree(), "jsonl/00003.wal.jsonl"); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("%v, want %v", err, walcore.ErrChanged)
	}
}

// TestLinesHaveTheSameNodes: on another mount of the directory the node, and with it the
// inode number, is the same.
func TestLinesHaveTheSameNodes(t *testing.T) {
	l := newLinesLog(t)
	r, err := dgraph.OpenReader(l.w.Dir(), dgraph.ReaderOptions{})
	fixture.Must(t, err)
	t.Cleanup(func() { r.Close() })
	other := New(r, nil)
	seen := map[Node]bool{}
	for _, f := range other.files {
		n, _ := l.find(f.Name + linesSuffix)
		m, _, err := other.walk("test", "jsonl/"+f.Name+linesSuffix, true)
		if err != nil || m != n || seen[n] {
			t.Errorf("%s: node %#x, and %#x (%v)", f.Name, uint64(n), uint64(m), err)
		}
		seen[n] = true
	}
}
