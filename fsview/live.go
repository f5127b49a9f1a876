package fsview

import (
	"errors"
	"io/fs"
	"sync/atomic"
)

// View is what an adapter serves: one tree, or one after the other.
type View interface {
	Attr(Node) (Attr, error)
	Lookup(folder Node, name string) (Node, error)
	List(folder Node, after uint64, fn func(Dirent) bool) error
	ReadAt(n Node, p []byte, off int64) (int, error)
	ReadsAhead(Node) bool
	AppendEntry(dst []byte, n Node, c *Cursor) ([]byte, error)
	Readlink(Node) (string, error)
	Properties(Node) ([]Property, error)
	Usage() (bytes int64, entries int)
}

var (
	_ View = (*Tree)(nil)
	_ View = (*Live)(nil)
)

// Live shows the newest of a row of trees. A node of an earlier tree, which
// somebody may still have open, fails with fs.ErrNotExist if it is an entry's,
// and goes on saying what it said if it is a text's.
type Live struct {
	now  atomic.Pointer[Tree]
	past pastTexts
}

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
	l.past.keep(l.now.Load())
	l.now.Store(t)
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

// ReadAt reads a file's bytes, as they are or were.
func (l *Live) ReadAt(n Node, p []byte, off int64) (int, error) {
	k, err := l.Tree().ReadAt(n, p, off)
	if errors.Is(err, fs.ErrNotExist) {
		if x, ok := l.past.get(n); ok {
			return readText(x.body, p, off)
		}
	}
	return k, err
}

// What follows is as of now.

func (l *Live) Readlink(n Node) (string, error) { return l.Tree().Readlink(n) }

func (l *Live) Lookup(folder Node, name string) (Node, error) { return l.Tree().Lookup(folder, name) }

func (l *Live) List(folder Node, after uint64, fn func(Dirent) bool) error {
	return l.Tree().List(folder, after, fn)
}

func (l *Live) ReadsAhead(n Node) bool { return l.Tree().ReadsAhead(n) }

func (l *Live) AppendEntry(dst []byte, n Node, c *Cursor) ([]byte, error) {
	return l.Tree().AppendEntry(dst, n, c)
}

func (l *Live) Properties(n Node) ([]Property, error) { return l.Tree().Properties(n) }

func (l *Live) Usage() (bytes int64, entries int) { return l.Tree().Usage() }
