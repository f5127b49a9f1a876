package fsview

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/status"
)

// checkTree walks all of a tree and checks the rules of any tree, damaged or not: what is
// listed can be found, has the size that is said or gives an error, and a list can go on
// from any place.
func checkTree(t *testing.T, tree *Tree) {
	t.Helper()
	c := treeCheck{tree, map[uint64]string{}, map[string]int{}}
	c.folder(t, Root, "")
	s := status.New(tree.log)
	terms, types, inTypes := uint64(0), uint64(0), 0
	for _, n := range s.Types {
		types += n.Entries
		inTypes += c.count["types/"+n.Name]
	}
	for _, term := range s.Terms {
		terms += term.Entries
	}
	if n := c.count["entries"]; uint64(n) != s.Entries || uint64(n) != terms || n != c.below("terms/") || n != c.below("files/") ||
		uint64(inTypes) != types {
		t.Fatalf("status.json says %d entries, %d by term, %d by type; listed are %v", s.Entries, terms, types, c.count)
	}
}

type treeCheck struct {
	tree   *Tree
	inodes map[uint64]string // who has it
	count  map[string]int    // of the names in a folder
}

func (c *treeCheck) below(prefix string) int {
	n := 0
	for name, count := range c.count {
		if strings.HasPrefix(name, prefix) {
			n += count
		}
	}
	return n
}

func (c *treeCheck) folder(t *testing.T, n Node, name string) {
	all := c.list(t, n, 0, math.MaxInt)
	c.count[name] = len(all)
	for i, d := range all {
		if i > 0 && (d.Name <= all[i-1].Name || d.Cookie <= all[i-1].Cookie) {
			t.Fatalf("%s: %s (cookie %d) after %s (cookie %d)", name, d.Name, d.Cookie, all[i-1].Name, all[i-1].Cookie)
		}
		if rest := c.list(t, n, d.Cookie, 2); !slices.Equal(rest, all[i+1:min(i+3, len(all))]) {
			t.Fatalf("%s: after %s comes %v", name, d.Name, rest)
		}
		c.name(t, n, d, path.Join(name, d.Name))
	}
}

// list copies up to limit names that List gives. It compares their attributes, and leaves
// them out.
func (c *treeCheck) list(t *testing.T, n Node, after uint64, limit int) []Dirent {
	var all []Dirent
	err := c.tree.List(n, after, func(d Dirent) bool {
		if d.Attr != nil {
			if a, err := c.tree.Attr(d.Node); err != nil || a != *d.Attr {
				t.Fatalf("%s is listed with %+v, and has %+v, %v", d.Name, *d.Attr, a, err)
			}
			d.Attr = nil
		} else if k := d.Node.kind(); d.Node.withoutHash() == d.Node && (k == kindText || k == kindLines) {
			// It was listed without the hash of what it says.
			found, err := c.tree.Lookup(n, d.Name)
			if err != nil {
				t.Fatalf("%s: %v", d.Name, err)
			}
			d.Node = found
		}
		all = append(all, d)
		return len(all) < limit
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (c *treeCheck) name(t *testing.T, folder Node, d Dirent, name string) {
	found, err := c.tree.Lookup(folder, d.Name)
	if err != nil || found != d.Node {
		t.Fatalf("%s: found node %#x, %v, listed as %#x", name, found, err, d.Node)
	}
	a, err := c.tree.Attr(d.Node)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	who := name
	if d.Node.kind() == kindEntry {
		who = "entry " + d.Name
	}
	if other, ok := c.inodes[a.Inode]; ok && other != who {
		t.Fatalf("%s and %s have inode %#x", other, who, a.Inode)
	}
	c.inodes[a.Inode] = who
	if a.Mode.Type() != d.Type {
		t.Fatalf("%s: mode %v, listed as %v", name, a.Mode, d.Type)
	}
	switch {
	case a.Mode.IsDir():
		c.folder(t, d.Node, name)
	case a.Mode&fs.ModeSymlink != 0:
		target, err := c.tree.Readlink(d.Node)
		if err == nil {
			_, err = c.tree.Lookup(folder, target)
		}
		if err != nil || int64(len(target)) != a.Size {
			t.Fatalf("%s -> %s: %v", name, target, err)
		}
	default:
		c.read(t, d.Node, name, a.Size)
	}
}

// read reads the first bytes of a file, or all if there are not many.
func (c *treeCheck) read(t *testing.T, n Node, name string, size int64) {
	p := make([]byte, min(size, 64<<10)+1)
	got, err := c.tree.ReadAt(n, p, 0)
	switch {
	case err == nil && got == len(p) && size >= int64(len(p)):
	case errors.Is(err, io.EOF) && int64(got) == size:
	case err != nil && !errors.Is(err, io.EOF) && got == 0 && (errors.Is(err, walcore.ErrNoKey) || errors.Is(err, walcore.ErrDataKey) || errors.Is(err, walcore.ErrDamaged)):
	default:
		t.Fatalf("%s: %d bytes, %v, of %d", name, got, err, size)
	}
	if got, err := c.tree.ReadAt(n, p, size); got != 0 || err == nil {
		t.Fatalf("%s: %d bytes, %v, at the end", name, got, err)
	}
}

func TestEveryFixturesTree(t *testing.T) {
	for _, name := range fixture.Small {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, _ := open(t, name)
			checkTree(t, tree)
		})
	}
}
