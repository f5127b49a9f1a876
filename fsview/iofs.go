package fsview

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"
)

var (
	_ fs.ReadDirFS  = (*Tree)(nil)
	_ fs.StatFS     = (*Tree)(nil)
	_ fs.ReadLinkFS = (*Tree)(nil)
)

// Open opens a file or folder. A path may have short names of entries and terms. A
// symbolic link is followed.
func (t *Tree) Open(name string) (fs.File, error) {
	n, a, err := t.walk("open", name, true)
	if err != nil {
		return nil, err
	}
	f := file{t: t, name: name, node: n, attr: a}
	if a.Mode.IsDir() {
		return &openFolder{file: f}, nil
	}
	var r io.ReaderAt = nodeReader{t, n}
	if n.IsDecoded() && a.Size > readPiece {
		r = &pieceReader{of: r, size: a.Size}
	}
	return &openFile{file: f, SectionReader: io.NewSectionReader(r, 0, a.Size)}, nil
}

// Stat follows a symbolic link.
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	_, a, err := t.walk("stat", name, true)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), a}, nil
}

// Lstat does not follow a symbolic link.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) {
	_, a, err := t.walk("lstat", name, false)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), a}, nil
}

// ReadLink gives a symbolic link's target.
func (t *Tree) ReadLink(name string) (string, error) {
	n, _, err := t.walk("readlink", name, false)
	if err != nil {
		return "", err
	}
	target, err := t.Readlink(n)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return target, nil
}

// ReadDir lists a folder by name.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	f, err := t.Open(name)
	if err != nil {
		return nil, err
	}
	d, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a folder")}
	}
	return d.ReadDir(-1)
}

// walk finds a path's node. Links on the way are followed, one at the end if follow is
// set. No link leads to another.
func (t *Tree) walk(op, name string, follow bool) (Node, Attr, error) {
	fail := func(err error) (Node, Attr, error) {
		return 0, Attr{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	n := Root
	if name != "." {
		rest := strings.Split(name, "/")
		for i, part := range rest {
			next, err := t.step(n, part, follow || i < len(rest)-1)
			if err != nil {
				return fail(err)
			}
			n = next
		}
	}
	a, err := t.Attr(n)
	if err != nil {
		return fail(err)
	}
	return n, a, nil
}

// step goes from a folder to a name in it.
func (t *Tree) step(n Node, name string, follow bool) (Node, error) {
	if _, err := t.folder(n); err != nil {
		return 0, fs.ErrNotExist
	}
	next, err := t.Lookup(n, name)
	if err != nil || next.kind() != kindLatest || !follow {
		return next, err
	}
	target, err := t.Readlink(next)
	if err != nil {
		return 0, err
	}
	return t.Lookup(n, target)
}

// nodeReader is a node as an io.ReaderAt.
type nodeReader struct {
	t *Tree
	n Node
}

func (r nodeReader) ReadAt(p []byte, off int64) (int, error) { return r.t.ReadAt(r.n, p, off) }

// pieceReader reads a long text in pieces. If so many texts are read at once that each is
// dropped before its next bytes are asked for, it is made again for each piece, not for
// each read.
type pieceReader struct {
	of   io.ReaderAt
	size int64

	mu    sync.Mutex // protects what follows
	piece []byte
	at    int64 // where the piece begins
}

const readPiece = 512 << 10

func (r *pieceReader) ReadAt(p []byte, off int64) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n < len(p) {
		if off >= r.size {
			return n, io.EOF
		}
		if off < r.at || off >= r.at+int64(len(r.piece)) {
			if err := r.load(off); err != nil {
				return n, err
			}
		}
		k := copy(p[n:], r.piece[off-r.at:])
		n += k
		off += int64(k)
	}
	return n, nil
}

// load reads the piece from byte off on.
func (r *pieceReader) load(off int64) error {
	if r.piece == nil {
		r.piece = make([]byte, readPiece)
	}
	n, err := r.of.ReadAt(r.piece[:min(readPiece, r.size-off)], off)
	r.piece, r.at = r.piece[:n], off
	if n == 0 {
		return err
	}
	return nil
}

type file struct {
	t    *Tree
	name string
	node Node
	attr Attr
}

func (f *file) Stat() (fs.FileInfo, error) { return info{path.Base(f.name), f.attr}, nil }
func (f *file) Close() error               { return nil }

type openFile struct {
	file
	*io.SectionReader
}

type openFolder struct {
	file
	after uint64 // cookie of the last name that was listed
}

func (d *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: errors.New("is a folder")}
}

// ReadDir lists up to n names, or all that are left if n is not positive.
func (d *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	list := []fs.DirEntry{}
	err := d.t.List(d.node, d.after, func(e Dirent) bool {
		de := dirEntry{t: d.t, folder: d.node, name: e.Name, typ: e.Type}
		if e.Attr != nil {
			de.attr, de.listed = *e.Attr, true
		}
		list = append(list, de)
		d.after = e.Cookie
		return n <= 0 || len(list) < n
	})
	if err == nil && n > 0 && len(list) == 0 {
		err = io.EOF
	}
	return list, err
}

type dirEntry struct {
	t      *Tree
	folder Node
	name   string
	typ    fs.FileMode
	attr   Attr // if it was listed
	listed bool
}

func (d dirEntry) Name() string      { return d.name }
func (d dirEntry) IsDir() bool       { return d.typ.IsDir() }
func (d dirEntry) Type() fs.FileMode { return d.typ }
func (d dirEntry) String() string    { return fs.FormatDirEntry(d) }

func (d dirEntry) Info() (fs.FileInfo, error) {
	if d.listed {
		return info{d.name, d.attr}, nil
	}
	n, err := d.t.Lookup(d.folder, d.name)
	if err != nil {
		return nil, err
	}
	a, err := d.t.Attr(n)
	return info{d.name, a}, err
}

// info is an fs.FileInfo whose Sys is an *Attr.
type info struct {
	name string
	attr Attr
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.attr.Size }
func (i info) Mode() fs.FileMode  { return i.attr.Mode }
func (i info) ModTime() time.Time { return i.attr.Mtime }
func (i info) IsDir() bool        { return i.attr.Mode.IsDir() }
func (i info) Sys() any           { return &i.attr }
func (i info) String() string     { return fs.FormatFileInfo(i) }
