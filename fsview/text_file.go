package fsview

import (
	"github.com/walfs/walfs/walcore"

	"hash/fnv"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"
)

// text is a file whose bytes are made when they are first asked for, and stay.
type text struct {
	of   *walcore.Attr // whose owner and permissions it has
	body func() ([]byte, error)
	// lazy says that making it takes a look at the whole log.
	lazy bool
	made atomic.Bool // somebody has asked
}

func newText(of *walcore.Attr, body func() ([]byte, error)) *text {
	x := &text{of: of}
	x.body = sync.OnceValues(func() ([]byte, error) {
		x.made.Store(true)
		return body()
	})
	return x
}

// node gives the node of what the text says now; place is its node without the
// hash.
func (x *text) node(place Node) (Node, error) {
	b, err := x.body()
	if err != nil || place.kind() != kindText {
		return place, err
	}
	return place | Node(hash(b)), nil
}

// hash fits a node's lower part, and is not 0.
func hash(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b)
	return max(h.Sum64()>>(64-lowBits), 1)
}

func (x *text) attr(t *Tree, n Node) (Attr, error) {
	b, err := x.body()
	if err != nil {
		return Attr{}, err
	}
	n, err = x.node(place(n))
	return fileAttr(n, int64(len(b)), x.of, t.newest), err
}

// place is a text's node without the hash: whatever it says now.
func place(n Node) Node {
	if n.kind() == kindText {
		return n &^ (1<<lowBits - 1)
	}
	return n
}

// settled gives node and attributes, or no attributes where they would take
// work.
func (x *text) settled(t *Tree, at Node) (Node, *Attr, error) {
	if x.lazy {
		return at, nil, nil
	}
	n, err := x.node(at)
	if err != nil {
		return at, nil, err
	}
	a, err := x.attr(t, n)
	return n, &a, err
}

func (x *text) readAt(_ *Tree, _ Node, p []byte, off int64) (int, error) {
	b, err := x.body()
	if err != nil {
		return 0, err
	}
	return readText(b, p, off)
}

// part is a stretch of one of the directory's own files.
type part struct {
	walcore.Section
	of *walcore.Attr
}

func (x part) attr(t *Tree, n Node) (Attr, error) { return fileAttr(n, x.Size, x.of, x.of.Mtime), nil }

func (x part) readAt(_ *Tree, _ Node, p []byte, off int64) (int, error) {
	if off >= x.Size {
		return 0, io.EOF
	}
	var end error
	if int64(len(p)) > x.Size-off {
		p, end = p[:x.Size-off], io.EOF
	}
	if _, err := x.ReadAt(p, off); err != nil {
		return 0, err
	}
	return len(p), end
}

// native is one of the directory's own files, whole.
type native struct {
	part
	written bool
}

func newNative(f *walcore.NativeFile) native {
	return native{part{walcore.Section{ReaderAt: f, Size: f.Attr.Size}, &f.Attr}, f.Written}
}

func (x native) attr(t *Tree, n Node) (Attr, error) {
	a, err := x.part.attr(t, n)
	a.Blocks = x.of.Blocks // log files are sparse
	return a, err
}

// link is a symbolic link to a name in the same folder.
type link string

func (l link) attr(t *Tree, n Node) (Attr, error) {
	a := fileAttr(n, int64(len(l)), &t.log.Meta().Dir, t.newest)
	a.Mode = fs.ModeSymlink | 0o777
	return a, nil
}

func newestTime(dir *walcore.Attr, native []walcore.NativeFile) time.Time {
	newest := dir.Mtime
	for _, n := range native {
		if n.Attr.Mtime.After(newest) {
			newest = n.Attr.Mtime
		}
	}
	return newest
}
