package fsview

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/walfs/walfs/walcore"
)

// entryFile is an entry's payload.
type entryFile struct{ walcore.Entry }

func (f *entryFile) attr(t *Tree, n Node) (Attr, error) {
	a := t.entryAttr(&f.Entry)
	if n.kind() == kindReplaced {
		a.Inode, a.Links = n.inode(), 1
	}
	return a, nil
}

func (f *entryFile) readAt(_ *Tree, _ Node, p []byte, off int64) (int, error) {
	return f.ReadAt(p, off)
}

// entryAttr needs no memory of its own, since a folder can hold millions.
func (t *Tree) entryAttr(e *walcore.Entry) Attr {
	of := &e.File.Attr
	a := fileAttr(nodeOf(kindEntry, e), e.Size, of, t.entryTime(e))
	a.Links = t.links
	a.Settled = e.Index <= t.commit
	if _, known := t.log.Meta().System.TypeName(e.Type); !known {
		a.Links--
	}
	return a
}

// entryTime is when an entry was appended, where the log tells, or else the
// creation time of its log file, with the term in the nanoseconds: another
// leader's entry has another time.
func (t *Tree) entryTime(e *walcore.Entry) time.Time {
	if timer, ok := e.File.Source.(walcore.Timer); ok {
		if at := timer.Time(e); !at.IsZero() {
			return at
		}
	}
	return time.Unix(e.File.Attr.Born.Unix(), int64(e.Term%1e9))
}

// decodedFile is the text of an entry.
type decodedFile struct{ walcore.Entry }

func (f *decodedFile) attr(t *Tree, n Node) (a Attr, err error) {
	err = t.withDecoded(n, &f.Entry, func(text []byte) { a = t.decodedAttr(n, &f.Entry, text) })
	return a, err
}

func (f *decodedFile) readAt(t *Tree, n Node, p []byte, off int64) (k int, end error) {
	if err := t.withDecoded(n, &f.Entry, func(text []byte) { k, end = readText(text, p, off) }); err != nil {
		return 0, err
	}
	return k, end
}

// replacedFolder has the entries that a later leader replaced, by index and term.
type replacedFolder struct{ from walcore.Replacer }

func (replacedFolder) attr(t *Tree, n Node) (Attr, error) { return folderAttr(t, n), nil }

// Cookies count the entries: which ones there are does not change in a tree.
func (f replacedFolder) list(t *Tree, after uint64, fn func(Dirent) bool) {
	cookie := uint64(0)
	for e := range f.from.Replaced(0) {
		if cookie++; cookie <= after {
			continue
		}
		n := nodeOf(kindReplaced, &e)
		a := t.entryAttr(&e)
		a.Inode, a.Links = n.inode(), 1
		if !fn(Dirent{Name: replacedName(&e), Node: n, Cookie: cookie, Attr: &a}) {
			return
		}
	}
}

func (f replacedFolder) lookup(_ *Tree, name string) (Node, error) {
	if index, _, ok := parsePair(name); ok {
		for e := range f.from.Replaced(index) {
			if e.Index > index {
				break
			}
			if replacedName(&e) == name {
				return nodeOf(kindReplaced, &e), nil
			}
		}
	}
	return 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

func replacedName(e *walcore.Entry) string { return pairName(e.Index, e.Term) }

func (t *Tree) replacedEntry(n Node) (walcore.Entry, error) {
	if r, ok := t.log.(walcore.Replacer); ok {
		for e := range r.Replaced(n.low()) {
			if e.Index > n.low() {
				break
			}
			if nodeOf(kindReplaced, &e) == n {
				return e, nil
			}
		}
	}
	return walcore.Entry{}, fmt.Errorf("entry %d: %w", n.low(), fs.ErrNotExist)
}
