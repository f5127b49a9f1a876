package fsview

import (
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
)

// View is what an adapter serves: a Tree, or the newest of a Live.
type View interface {
	Attr(Node) (Attr, error)
	Lookup(folder Node, name string) (Node, error)
	List(folder Node, after uint64, fn func(Dirent) bool) error
	ReadAt(n Node, p []byte, off int64) (int, error)
	CanReadAhead(Node) bool
	AppendEntry(dst []byte, n Node, most int64, c *Cursor) ([]byte, error)
	StoreText(n Node, off int64, store func(off int64, piece []byte) bool)
	Readlink(Node) (string, error)
	Properties(Node) ([]Property, error)
	Usage() (bytes int64, entries int)
}

var (
	_ View = (*Tree)(nil)
	_ View = (*Live)(nil)
)

// Live shows the newest tree of a directory.
//
// Somebody may still have a node open that only earlier trees have. If it is a text's,
// the text that it was is still there, up to some megabytes of such texts. Otherwise it
// fails with fs.ErrNotExist.
type Live struct {
	newest atomic.Pointer[Tree]
	past   pastTexts

	mu   sync.Mutex // protects next
	next chan struct{}
}

// NewLive shows t until Follow finds that the directory has changed.
func NewLive(t *Tree) *Live {
	l := &Live{next: make(chan struct{})}
	l.newest.Store(t)
	return l
}

// Tree is the newest tree.
func (l *Live) Tree() *Tree { return l.newest.Load() }

// Log is the newest log.
func (l *Live) Log() walcore.Log { return l.Tree().Log() }

// Next is closed when there is a newer tree than now. Who wants to miss none asks for Next
// first and for the Tree afterwards.
func (l *Live) Next() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// swap makes t the newest tree. Who finds that a text is not in it waits until those of
// the tree before are kept.
func (l *Live) swap(t *Tree) {
	l.past.mu.Lock()
	defer l.past.mu.Unlock()
	l.past.keep(l.newest.Swap(t))
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.next)
	l.next = make(chan struct{})
}

// Attr tells what a node is, or was.
func (l *Live) Attr(n Node) (Attr, error) {
	a, err := l.Tree().Attr(n)
	if errors.Is(err, fs.ErrNotExist) {
		if x, ok := l.past.get(n); ok {
			return x.attr, nil
		}
	}
	return a, err
}

// ReadAt reads a file's bytes, as they are or were under this node.
func (l *Live) ReadAt(n Node, p []byte, off int64) (int, error) {
	k, err := l.Tree().ReadAt(n, p, off)
	if errors.Is(err, fs.ErrNotExist) {
		if x, ok := l.past.get(n); ok {
			return readText(x.body, p, off)
		}
	}
	return k, err
}

// Lookup finds a name in a folder of the newest tree. If that has been replaced
// meanwhile, what was found may be kept nowhere, and it looks again.
func (l *Live) Lookup(folder Node, name string) (Node, error) {
	for {
		t := l.Tree()
		n, err := t.Lookup(folder, name)
		if t == l.Tree() {
			return n, err
		}
	}
}

// List goes through the names in a folder of the newest tree.
func (l *Live) List(folder Node, after uint64, fn func(Dirent) bool) error {
	return l.Tree().List(folder, after, fn)
}

// CanReadAhead is that of the newest tree.
func (l *Live) CanReadAhead(n Node) bool { return l.Tree().CanReadAhead(n) }

// AppendEntry is that of the newest tree.
func (l *Live) AppendEntry(dst []byte, n Node, most int64, c *Cursor) ([]byte, error) {
	return l.Tree().AppendEntry(dst, n, most, c)
}

// StoreText is that of the newest tree.
func (l *Live) StoreText(n Node, off int64, store func(off int64, piece []byte) bool) {
	l.Tree().StoreText(n, off, store)
}

// Readlink is that of the newest tree.
func (l *Live) Readlink(n Node) (string, error) { return l.Tree().Readlink(n) }

// Properties is that of the newest tree.
func (l *Live) Properties(n Node) ([]Property, error) { return l.Tree().Properties(n) }

// Usage is that of the newest tree.
func (l *Live) Usage() (bytes int64, entries int) { return l.Tree().Usage() }
