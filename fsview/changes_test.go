package fsview

import (
	"github.com/walfs/walfs/walcore"

	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/dgraph"
)

// known is what a kernel may have cached of a tree: where each name leads, and
// what each folder lists.
type known struct {
	names map[Node]map[string]Node
	lists map[Node][]string
}

// learn looks at everything, by short names too.
func learn(t *testing.T, tree *Tree) known {
	t.Helper()
	k := known{map[Node]map[string]Node{}, map[Node][]string{}}
	var folder func(n Node)
	folder = func(n Node) {
		k.names[n] = map[string]Node{}
		err := tree.List(n, 0, func(d Dirent) bool {
			k.lists[n] = append(k.lists[n], d.Name)
			to, err := tree.Lookup(n, d.Name)
			if err != nil {
				t.Fatalf("%s is listed: %v", d.Name, err)
			}
			k.names[n][d.Name] = to
			if d.Type.IsDir() {
				folder(to)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	folder(Root)
	for term := range k.names[node(kindFolder, folderTerms)] {
		n, short, _ := parseNumber(term)
		if short {
			t.Fatalf("%s is listed", term)
		}
		to, err := tree.Lookup(node(kindFolder, folderTerms), fmt.Sprint(n))
		if err != nil {
			t.Fatal(err)
		}
		folder(to)
	}
	return k
}

// taken is what Changes takes back.
type taken struct {
	names map[string]bool // folder and name
	lists map[Node]bool
	bytes map[Node]bool
}

func inFolder(folder Node, name string) string { return fmt.Sprintf("%#x/%s", uint64(folder), name) }

func takes(before, after *Tree) taken {
	got := taken{map[string]bool{}, map[Node]bool{}, map[Node]bool{}}
	for c := range Changes(before, after) {
		switch {
		case c.Folder == 0:
			got.bytes[c.Node] = true
		case c.Name == "":
			got.lists[c.Folder] = true
		default:
			got.names[inFolder(c.Folder, c.Name)] = true
		}
	}
	return got
}

// TestChanges: whatever a kernel knows of a tree and is no longer so is among
// the changes, or lies below a name that is.
func TestChanges(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*raftdir.Writer)
	}{
		{"entries", func(w *raftdir.Writer) { w.Append(10) }},
		{"new files", func(w *raftdir.Writer) { w.Append(150) }},
		{"a rewrite", func(w *raftdir.Writer) { w.Rewind(180); w.Append(5) }},
		{"a rewrite, as long", func(w *raftdir.Writer) { w.Rewind(180); w.Append(15) }},
		{"a rewrite of the last entry", func(w *raftdir.Writer) { w.Rewind(194); w.Append(1) }},
		{"back into an earlier file", func(w *raftdir.Writer) { w.Rewind(120); w.Append(5) }},
		{"back, and on into a file of the same name", func(w *raftdir.Writer) { w.Rewind(120); w.Append(90) }},
		{"back to another end of a file", func(w *raftdir.Writer) { w.Rewind(150); w.Append(45) }},
		{"back to the beginning", func(w *raftdir.Writer) { w.Rewind(0); w.Append(20) }},
		{"the whole log is gone", func(w *raftdir.Writer) { w.Rewind(0) }},
		{"a snapshot", func(w *raftdir.Writer) { w.Snapshot(50) }},
		{"compaction", func(w *raftdir.Writer) { w.Snapshot(170) }},
		{"compaction and a rewrite", func(w *raftdir.Writer) { w.Snapshot(170); w.Rewind(180); w.Append(30) }},
		{"a hard state", func(w *raftdir.Writer) { w.CommitTo(150) }},
		{"a checkpoint", func(w *raftdir.Writer) { w.Checkpoint(9) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 80})
			defer w.Close()
			w.Append(185)
			w.Rewind(185)
			w.Append(10)
			w.CommitTo(100)
			r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{})
			if err != nil {
				t.Fatal(err)
			}
			before := New(r, nil)
			then := learn(t, before)
			test.change(w)
			now, err := r.Refresh()
			if err != nil {
				t.Fatal(err)
			}
			defer now.Close()
			after := before.next(now, nil)
			got := takes(before, after)
			var folder func(n Node)
			folder = func(n Node) {
				var now []string
				if err := after.List(n, 0, func(d Dirent) bool {
					now = append(now, d.Name)
					return true
				}); err != nil {
					t.Fatalf("folder %#x, whose name was not taken back: %v", uint64(n), err)
				}
				// A name that is taken back takes its folder's list with it.
				listed := !got.lists[n]
				for name := range then.names[n] {
					listed = listed && !got.names[inFolder(n, name)]
				}
				if listed && !slices.Equal(now, then.lists[n]) {
					t.Errorf("the list of folder %#x is another: %q, then %q", uint64(n), then.lists[n], now)
				}
				for name, to := range then.names[n] {
					if got.names[inFolder(n, name)] {
						continue
					}
					if lead, err := after.Lookup(n, name); err != nil || lead != to {
						t.Errorf("%s in %#x leads to %#x now (%v), not %#x", name, uint64(n), uint64(lead), err, uint64(to))
					}
					if _, is := then.names[to]; is {
						folder(to)
					}
				}
			}
			folder(Root)
			for n := range then.names {
				if _, err := after.object(n); n.kind() == kindTermShort && err == nil {
					folder(n)
				}
			}
			for n, o := range before.fixed {
				was, ok := o.(nativeFile)
				if !ok {
					continue
				}
				if now, ok := after.fixed[n].(nativeFile); ok && (now.Size != was.Size || now.of.Blocks != was.of.Blocks) && !got.bytes[n] {
					t.Errorf("node %#x has another size", uint64(n))
				}
				if was.written && after.fixed[n] != nil && !got.bytes[n] {
					t.Errorf("node %#x may have other bytes", uint64(n))
				}
			}
		})
	}
}

// TestChangesAreFew: what is as it was is not taken back: a kernel would ask
// for all of a large log at each append.
func TestChangesAreFew(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{Slots: 80})
	defer w.Close()
	w.Append(400)
	w.CommitTo(100)
	r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	before := New(r, nil)
	learn(t, before)
	w.Append(1)
	now, err := r.Refresh()
	if err != nil {
		t.Fatal(err)
	}
	defer now.Close()
	for c := range Changes(before, before.next(now, nil)) {
		if c.Index != 0 {
			t.Errorf("entry %d, which is as it was: %+v", c.Index, c)
		}
	}
}

// TestLiveHeld: a node of an earlier tree gives what it gave, or an error,
// however many trees come after it.
func TestLiveHeld(t *testing.T) {
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
	held := map[Node][]byte{}
	hold := func() {
		for _, path := range []string{"entries/50", "entries/130", "entries/180", "decoded/130.json", "meta/last_index",
			"meta/hard_state/commit", "snapshots/latest/data", "snapshots/latest/metadata.json", "status.json"} {
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
			if old, known := held[n]; known && !bytes.Equal(old, b) {
				t.Errorf("%s: the node is the same, its bytes are not", path)
			}
			held[n] = b
		}
	}
	for round := range 32 {
		hold()
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
		for n, want := range held {
			got := make([]byte, len(want)+1)
			k, err := live.ReadAt(n, got, 0)
			if (err == nil || err == io.EOF) && !bytes.Equal(got[:k], want) {
				t.Fatalf("round %d, node %#x: got %d bytes, want %d or an error", round, uint64(n), k, len(want))
			}
			if a, err := live.Attr(n); err == nil && a.Size != int64(len(want)) {
				t.Fatalf("round %d, node %#x: size %d, want %d or an error", round, uint64(n), a.Size, len(want))
			}
		}
	}
}

// TestFollowTellsTwice: each change is told at once and again at the next look,
// in the order in which trees came.
func TestFollowTellsTwice(t *testing.T) {
	w := raftdir.Create(filepath.Join(t.TempDir(), "w"), raftdir.Options{})
	defer w.Close()
	w.Append(10)
	r, err := dgraph.OpenReader(w.Dir(), dgraph.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	live := NewLive(New(r, nil))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute) // a Follow that hangs
	defer cancel()
	type treePair struct{ before, after *Tree }
	var first, second []treePair
	w.Append(1)
	live.Follow(ctx, func(before, after *Tree, again bool) {
		if live.Tree() != after {
			t.Error("the tree that is told of is not the newest")
		}
		if again {
			second = append(second, treePair{before, after})
			if len(second) == 5 {
				cancel()
				return
			}
			w.Append(1)
			return
		}
		if len(first) != len(second) {
			t.Error("a change comes before the last was told again")
		}
		first = append(first, treePair{before, after})
	})
	live.Close()
	if len(second) != 5 || !slices.Equal(first, second) {
		t.Errorf("told %d changes, and %d again", len(first), len(second))
	}
}
