package fsview

import (
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
)

// text is a file whose bytes are computed when somebody first asks for them, and then
// stay. In t.fixed it is under its node without the hash of what it says.
type text struct {
	of   *walcore.Attr // whose owner and permissions it has
	body func() ([]byte, error)
	// costly says that computing it takes a look at the whole log. To list its
	// name, that is not done.
	costly bool
	asked  atomic.Bool // somebody has asked for the bytes, so that a cache may have them
}

func newText(of *walcore.Attr, body func() ([]byte, error)) *text {
	x := &text{of: of}
	x.body = sync.OnceValues(func() ([]byte, error) {
		x.asked.Store(true)
		return body()
	})
	return x
}

// withoutHash is a text's node whatever the text says, and that of lines whatever they are.
// Other nodes are what they are.
func (n Node) withoutHash() Node {
	switch n.kind() {
	case kindText:
		return n &^ maxSecond
	case kindLines:
		return n &^ maxLinesHash
	}
	return n
}

// hash fits a node's second part, and is not 0.
func hash(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b)
	return max(h.Sum64()>>(64-secondBits), 1)
}

// node gives the text's node with the hash of what the text says. Texts that are not
// of that kind have one node, whatever they say.
func (x *text) node(fixed Node) (Node, error) {
	b, err := x.body()
	if err != nil || fixed.kind() != kindText {
		return fixed, err
	}
	return fixed | Node(hash(b)), nil
}

// checkText fails for the node of a text, o, that says something else now.
func (t *Tree) checkText(o object, n Node) error {
	x, ok := o.(*text)
	if !ok || n == n.withoutHash() {
		return nil
	}
	if now, err := x.node(n.withoutHash()); err != nil || now != n {
		return fmt.Errorf("node %#x: the text has changed: %w", uint64(n), fs.ErrNotExist)
	}
	return nil
}

func (x *text) attr(t *Tree, n Node) (Attr, error) {
	b, err := x.body()
	if err != nil {
		return Attr{}, err
	}
	n, err = x.node(n.withoutHash())
	return fileAttr(n, int64(len(b)), x.of, t.newest), err
}

// listed gives the node and the attributes that a list has. If computing the text is
// costly, there are no attributes and the node is without the hash.
func (x *text) listed(t *Tree, fixed Node) (Node, *Attr, error) {
	if x.costly {
		return fixed, nil, nil
	}
	n, err := x.node(fixed)
	if err != nil {
		return fixed, nil, err
	}
	a, err := x.attr(t, n)
	return n, &a, err
}

func (x *text) readAt(_ *Tree, p []byte, off int64) (int, error) {
	b, err := x.body()
	if err != nil {
		return 0, err
	}
	return readText(b, p, off)
}

// readText is io.ReaderAt's ReadAt of a text.
func readText(text, p []byte, off int64) (int, error) {
	if off >= int64(len(text)) {
		return 0, io.EOF
	}
	n := copy(p, text[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
