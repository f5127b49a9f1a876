package fsview

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/walfs/walfs/walcore"
)

const linesSuffix = ".jsonl"

// linesFile has a line of JSON for each entry of a log file. In t.fixed it is under its node
// without the hash of the lines: to know that takes decoding all of them.
type linesFile struct {
	*walcore.File
	texts *linesTexts // the same in all trees that share a decoding
}

func (t *Tree) linesFolder(log walcore.Filer) *fixedFolder {
	return t.logFilesFolder(log, linesSuffix, maxFileID, func(f *walcore.File) (Node, object) {
		return anyLinesNode(f.ID), &linesFile{f, &linesTexts{}}
	})
}

// keepLines takes over what the tree before knows of the lines of files that both have.
func (t *Tree) keepLines(before *Tree) {
	if t.decoding != before.decoding {
		return
	}
	for n, o := range t.fixed {
		f, ok := o.(*linesFile)
		if !ok {
			continue
		}
		if was, ok := before.fixed[n].(*linesFile); ok && was.Identity == f.Identity {
			f.texts = was.texts
		}
	}
}

// text is what the file has in t. To find that out takes a pass over its entries, the first
// time.
func (f *linesFile) text(t *Tree) (*linesText, error) {
	f.texts.measuring.Lock()
	defer f.texts.measuring.Unlock()
	f.texts.asked.Store(true)
	x := f.texts.newest()
	if x != nil && x.isWhole(f.File) {
		return x, nil
	}
	x, err := t.measureLines(f.File, x)
	if err != nil {
		return nil, err
	}
	f.texts.add(x)
	return x, nil
}

// node gives the file's node, with the hash of the lines that it has in t.
func (f *linesFile) node(t *Tree) (Node, error) {
	x, err := f.text(t)
	if err != nil {
		return 0, err
	}
	return x.node, nil
}

// at is the file under one of its nodes: with the lines that it has, or that it had before
// entries were added.
func (f *linesFile) at(t *Tree, n Node) (*linesAt, error) {
	if n != n.withoutHash() {
		if x := f.texts.find(n); x != nil {
			return &linesAt{f, x}, nil
		}
	}
	x, err := f.text(t)
	if err == nil && n != n.withoutHash() && n != x.node {
		err = fmt.Errorf("node %#x: %s has other lines now: %w", uint64(n), f.Name+linesSuffix, fs.ErrNotExist)
	}
	return &linesAt{f, x}, err
}

func (f *linesFile) attr(t *Tree, n Node) (Attr, error) {
	x, err := f.at(t, n)
	if err != nil {
		return Attr{}, err
	}
	return x.attr(t, n)
}

// linesAt is a linesFile with the text that it has under one node.
type linesAt struct {
	file *linesFile
	text *linesText
}

func (a *linesAt) attr(*Tree, Node) (Attr, error) {
	return fileAttr(a.text.node, a.text.size, &a.file.Attr, a.text.mtime), nil
}

func (a *linesAt) readAt(t *Tree, p []byte, off int64) (n int, err error) {
	x := a.text
	if off >= x.size {
		return 0, io.EOF
	}
	for k := x.pieceAt(off); n < len(p) && k < len(x.pieces); k++ {
		piece, err := t.readPiece(a.file.File, x, k)
		if errors.Is(err, walcore.ErrChanged) {
			a.file.texts.drop(x) // who looks the file up finds what it has now
		}
		if err != nil {
			return 0, err
		}
		n += copy(p[n:], piece[off+int64(n)-x.pieces[k].offset:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
