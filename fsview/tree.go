// Package fsview shows a Raft directory as a tree of read-only files: each
// entry by index, term, type and log file, metadata as small texts, snapshots
// as blobs, and the directory's own files as they are.
//
//	tree := fsview.New(log, nil)
//	data, err := fs.ReadFile(tree, "entries/00000000000000000042")
//
// A Tree is an io/fs file system, and offers the same by Node, a number, for
// adapters such as package fusefs; it knows nothing of FUSE. It holds no state
// for an entry: names, nodes and attributes are computed from the log, so that
// a tree of millions costs what an empty one does. All methods may be called
// from many goroutines.
//
// A Tree shows what its log has found and does not change. Reading what has
// changed on disk since, or is damaged, gives an error.
package fsview

import (
	"github.com/walfs/walfs/walcore"

	"fmt"
	"io/fs"
	"time"
)

// Tree is the view of one directory.
type Tree struct {
	log    walcore.Log
	more   []walcore.Problem // beside the log's own
	files  []*walcore.File
	native []walcore.NativeFile
	newest time.Time // of the directory's times; what has no time of its own takes it
	fixed  map[Node]object

	commit   uint64 // entries up to here never change; 0: it is not known
	links    uint32 // of an entry: in entries/, terms/, types/ and, where there are any, files/
	decoding *decoding
}

// Dirent is a name in a folder. Cookie is where to go on after it, and grows
// from name to name; it stays good however long the caller waits.
type Dirent struct {
	Name   string
	Node   Node
	Type   fs.FileMode
	Cookie uint64
	// Attr is nil where telling it takes work that only some callers want;
	// ask Tree.Attr. It is good until the callback returns.
	Attr *Attr
}

// object is what a node stands for.
type object interface {
	attr(t *Tree, n Node) (Attr, error)
}

type folderObject interface {
	object
	// list calls fn for the names after a cookie until fn returns false.
	list(t *Tree, after uint64, fn func(Dirent) bool)
	lookup(t *Tree, name string) (Node, error)
}

type fileObject interface {
	object
	readAt(t *Tree, n Node, p []byte, off int64) (int, error)
}

func (t *Tree) object(n Node) (object, error) {
	if o, ok := t.fixed[place(n)]; ok {
		if x, ok := o.(*text); ok && n != place(n) {
			if now, err := x.node(place(n)); err != nil || now != n {
				return nil, fmt.Errorf("node %#x: the text has changed: %w", uint64(n), fs.ErrNotExist)
			}
		}
		return o, nil
	}
	switch n.kind() {
	case kindEntry, kindReplaced:
		e, err := t.entry(n)
		return &entryFile{e}, err
	case kindDecoded, kindNotAsked:
		e, err := t.entry(n)
		return &decodedFile{e}, err
	case kindTerm, kindTermShort:
		if span, ok := walcore.FindTerm(t.log, n.arg()); ok {
			return termFolder(t.log, span), nil
		}
	}
	return nil, fmt.Errorf("node %#x: %w", uint64(n), fs.ErrNotExist)
}

// Attr tells what a node is.
func (t *Tree) Attr(n Node) (Attr, error) {
	o, err := t.object(n)
	if err != nil {
		return Attr{}, err
	}
	return o.attr(t, n)
}

// entry finds the entry whose file, or text, n is.
func (t *Tree) entry(n Node) (walcore.Entry, error) {
	if n.kind() == kindReplaced {
		return t.replacedEntry(n)
	}
	e, err := t.log.Entry(n.low())
	if err == nil && nodeOf(n.kind(), &e) != n {
		return e, fmt.Errorf("entry %d is another one now: %w", e.Index, fs.ErrNotExist)
	}
	return e, err
}

// Lookup finds a name in a folder. It fails with fs.ErrNotExist where
// there is none, and with what Attr fails with where there is one that cannot
// be shown.
func (t *Tree) Lookup(folder Node, name string) (Node, error) {
	o, err := t.folder(folder)
	if err != nil {
		return 0, err
	}
	return o.lookup(t, name)
}

func (t *Tree) folder(n Node) (folderObject, error) {
	o, err := t.object(n)
	if err != nil {
		return nil, err
	}
	f, ok := o.(folderObject)
	if !ok {
		return nil, fmt.Errorf("node %#x is no folder: %w", uint64(n), fs.ErrInvalid)
	}
	return f, nil
}

// List calls fn for each name in a folder after a cookie, 0 for the first,
// until fn returns false. Names come in the order of their bytes.
func (t *Tree) List(folder Node, after uint64, fn func(Dirent) bool) error {
	o, err := t.folder(folder)
	if err != nil {
		return err
	}
	o.list(t, after, fn)
	return nil
}

// ReadAt reads a file's bytes, as io.ReaderAt does.
func (t *Tree) ReadAt(n Node, p []byte, off int64) (int, error) {
	o, err := t.object(n)
	if err != nil {
		return 0, err
	}
	f, ok := o.(fileObject)
	if !ok {
		return 0, fmt.Errorf("node %#x is no file: %w", uint64(n), fs.ErrInvalid)
	}
	return f.readAt(t, n, p, off)
}

// Cursor is what a caller of AppendEntry has for itself: where entries follow one
// another it saves system calls. The zero value is ready; one goroutine may use
// it.
type Cursor struct{ payloads walcore.Scanner }

// ReadsAhead reports whether n is one of many files that follow one another and
// are cheap to read before anybody asks: not what a program decodes.
func (t *Tree) ReadsAhead(n Node) bool {
	return n.Sequential() && !(n.kind() == kindDecoded && t.isProgram())
}

// AppendEntry appends an entry's file, whole, to dst: its payload, or its text
// in decoded/. On failure it returns dst as it was.
func (t *Tree) AppendEntry(dst []byte, n Node, c *Cursor) ([]byte, error) {
	e, err := t.entry(n)
	if err != nil {
		return dst, err
	}
	if n.kind() == kindDecoded {
		return t.appendDecoded(dst, &e, &c.payloads)
	}
	data, err := c.payloads.Data(&e)
	return append(dst, data...), err
}

// Readlink gives a symbolic link's target, a name in the same folder.
func (t *Tree) Readlink(n Node) (string, error) {
	if o, err := t.object(n); err != nil {
		return "", err
	} else if l, ok := o.(link); ok {
		return string(l), nil
	}
	return "", fmt.Errorf("node %#x is no symbolic link: %w", uint64(n), fs.ErrInvalid)
}

// Usage is what statfs tells: the bytes that the directory takes on disk, and
// how many entries it has.
func (t *Tree) Usage() (bytes int64, entries int) {
	for _, n := range t.native {
		bytes += n.Attr.Blocks * 512
	}
	return bytes, walcore.Count(t.log)
}
