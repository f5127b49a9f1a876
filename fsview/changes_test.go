//go:build unix

package fsview

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/walfs/walfs/test/raftdir"
	"github.com/walfs/walfs/walcore/dgraph"
)

// fullCache is all that a cache can have of a tree: where each name leads, and what each
// folder lists.
type fullCache struct {
	names map[Node]map[string]Node
	lists map[Node][]string
}

// cacheAll looks at everything, under short names too.
func cacheAll(t *testing.T, tree *Tree) fullCache {
	t.Helper()
	k := fullCache{map[Node]map[string]Node{}, map[Node][]string{}}
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

// invalid is what Changes says is no longer right.
type invalid struct {
	names map[string]bool // folder and name
	lists map[Node]bool
	bytes map[Node]bool
}

func inFolder(folder Node, name string) string { return fmt.Sprintf("%#x/%s", uint64(folder), name) }

func invalidAfter(before, after *Tree) invalid {
	got := invalid{map[string]bool{}, map[Node]bool{}, map[Node]bool{}}
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

// changes are what a node does to a log of 195 entries in files of 80, of terms 1, up to
// 185, and 2.
var changes = []struct {
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
}

// TestChanges: whatever a cache can have of a tree and is no longer right is among the
// changes, or lies below a name that is.
func TestChanges(t *testing.T) {
	for _, test := range changes {
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
			cached := cacheAll(t, before)
			test.change(w)
			now, err := r.Refresh()
			if err != nil {
				t.Fatal(err)
			}
			defer now.Close()
			after := before.next(now, nil)
			c := cacheCheck{t, cached, after, invalidAfter(before, after)}
			c.folder(Root)
			for n := range cached.names {
				if _, err := after.object(n); n.kind() == kindTermShort && err == nil {
					c.folder(n)
				}
			}
			c.nativeFiles(before)
		})
	}
}

// cacheCheck compares what a cache has left after a change with the tree after it.
type cacheCheck struct {
	t       *testing.T
	cached  fullCache
	after   *Tree
	invalid invalid
}

// folder compares a folder whose name is still right, and what is below.
func (c *cacheCheck) folder(n Node) {
	var now []string
	if err := c.after.List(n, 0, func(d Dirent) bool {
		now = append(now, d.Name)
		return true
	}); err != nil {
		c.t.Fatalf("folder %#x, whose name is not among the changes: %v", uint64(n), err)
	}
	// A kernel that drops a name drops the list of its folder too.
	listed := !c.invalid.lists[n]
	for name := range c.cached.names[n] {
		listed = listed && !c.invalid.names[inFolder(n, name)]
	}
	if listed && !slices.Equal(now, c.cached.lists[n]) {
		c.t.Errorf("the list of folder %#x is another: %q, then %q", uint64(n), c.cached.lists[n], now)
	}
	for name, to := range c.cached.names[n] {
		if c.invalid.names[inFolder(n, name)] {
			continue
		}
		if lead, err := c.after.Lookup(n, name); err != nil || lead != to {
			c.t.Errorf("%s in %#x leads to %#x now (%v), not %#x", name, uint64(n), uint64(lead), err, uint64(to))
		}
		if _, is := c.cached.names[to]; is {
			c.folder(to)
		}
	}
}

func (c *cacheCheck) nativeFiles(before *Tree) {
	for n, o := range before.fixed {
		was, ok := o.(nativeFile)
		if !ok || c.invalid.bytes[n] {
			continue
		}
		if now, ok := c.after.fixed[n].(nativeFile); ok && (now.Size != was.Size || now.of.Blocks != was.of.Blocks) {
			c.t.Errorf("node %#x has another size", uint64(n))
		}
		if was.written && c.after.fixed[n] != nil {
			c.t.Errorf("node %#x may have other bytes", uint64(n))
		}
	}
}

// TestChangesAreFew: no entry that is as it was is among the changes. A kernel would ask
// for all of a large log again at each append.
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
	cacheAll(t, before)
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
