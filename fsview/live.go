package fsview

import (
	"errors"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
)

// View is what an adapter serves: one tree, or one after the other.
type View interface {
	Attr(Node) (Attr, error)
	Lookup(folder Node, name string) (Node, error)
	List(folder Node, after uint64, fn func(Dirent) bool) error
	ReadAt(n Node, p []byte, off int64) (int, error)
	ReadsAhead(Node) bool
	AppendEntry(dst []byte, n Node, payloads *walcore.Scanner) ([]byte, error)
	Readlink(Node) (string, error)
	Usage() (bytes int64, entries int)
}

var (
	_ View = (*Tree)(nil)
	_ View = (*Live)(nil)
)

// Live shows the newest of a row of trees. A node of an earlier tree, which
// somebody may still have open, goes on giving that tree's bytes or an error.
type Live struct {
	now atomic.Pointer[Tree]

	mu   sync.Mutex // protects past
	past []*Tree    // newest last
}

// maxPast bounds the trees that are kept for nodes that are still open. Each
// holds little but the texts that were read from it.
const maxPast = 16

// NewLive begins with a tree.
func NewLive(t *Tree) *Live {
	l := &Live{}
	l.now.Store(t)
	return l
}

// Tree is the newest tree.
func (l *Live) Tree() *Tree { return l.now.Load() }

// swap makes t the newest.
func (l *Live) swap(t *Tree) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.past = append(l.past, l.now.Load())
	if n := len(l.past) - maxPast; n > 0 {
		l.past = append([]*Tree(nil), l.past[n:]...)
	}
	l.now.Store(t)
}

// elsewhere tries op on the earlier trees if err says that the newest does not
// have the node. What they give is right: it is checked against the disk.
func (l *Live) elsewhere(err error, op func(*Tree) error) error {
	if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, walcore.ErrChanged) {
		return err
	}
	l.mu.Lock()
	past := l.past
	l.mu.Unlock()
	for i := len(past) - 1; i >= 0; i-- {
		if op(past[i]) == nil {
			return nil
		}
	}
	return err
}

// Attr tells what a node is, or was.
func (l *Live) Attr(n Node) (a Attr, err error) {
	a, err = l.Tree().Attr(n)
	return a, l.elsewhere(err, func(t *Tree) (err error) {
		a, err = t.Attr(n)
		return err
	})
}

// ReadAt reads a file's bytes, as they are or were.
func (l *Live) ReadAt(n Node, p []byte, off int64) (k int, err error) {
	k, err = l.Tree().ReadAt(n, p, off)
	if err == nil || errors.Is(err, io.EOF) {
		return k, err
	}
	var end error
	err = l.elsewhere(err, func(t *Tree) (err error) {
		if k, err = t.ReadAt(n, p, off); errors.Is(err, io.EOF) {
			end, err = err, nil
		}
		return err
	})
	if err == nil {
		err = end
	}
	return k, err
}

// Readlink gives a symbolic link's target, as it is or was.
func (l *Live) Readlink(n Node) (target string, err error) {
	target, err = l.Tree().Readlink(n)
	return target, l.elsewhere(err, func(t *Tree) (err error) {
		target, err = t.Readlink(n)
		return err
	})
}

// Lookup finds a name as of now.
func (l *Live) Lookup(folder Node, name string) (Node, error) { return l.Tree().Lookup(folder, name) }

// List lists a folder as of now.
func (l *Live) List(folder Node, after uint64, fn func(Dirent) bool) error {
	return l.Tree().List(folder, after, fn)
}

// ReadsAhead is that of the newest tree.
func (l *Live) ReadsAhead(n Node) bool { return l.Tree().ReadsAhead(n) }

// AppendEntry is that of the newest tree.
func (l *Live) AppendEntry(dst []byte, n Node, payloads *walcore.Scanner) ([]byte, error) {
	return l.Tree().AppendEntry(dst, n, payloads)
}

// Usage is that of the newest tree.
func (l *Live) Usage() (bytes int64, entries int) { return l.Tree().Usage() }
