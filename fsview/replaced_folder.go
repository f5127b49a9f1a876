package fsview

import (
	"fmt"
	"io/fs"

	"github.com/walfs/walfs/walcore"
)

// replacedFolder has the entries that a later leader replaced, by index and term, and
// behind them the payloads without an entry, by file and offset.
type replacedFolder struct{ from walcore.Replacer }

func (replacedFolder) attr(t *Tree, n Node) (Attr, error) { return folderAttr(t, n), nil }

// Cookies count the entries and the payloads, which stay the same in a tree.
func (f replacedFolder) list(t *Tree, after uint64, fn func(Dirent) bool) {
	cookie := uint64(0)
	for e := range f.from.Replaced(0) {
		if cookie++; cookie <= after || !hasNode(&e) {
			continue
		}
		a := t.replacedAttr(&e)
		if !fn(Dirent{Name: replacedName(&e), Node: nodeOf(kindReplaced, &e), Cookie: cookie, Attr: &a}) {
			return
		}
	}
	for _, r := range t.remnants().list {
		if cookie++; cookie <= after {
			continue
		}
		a, _ := r.attr(t, r.node)
		if !fn(Dirent{Name: r.name, Node: r.node, Cookie: cookie, Attr: &a}) {
			return
		}
	}
}

func (f replacedFolder) lookup(t *Tree, name string) (Node, error) {
	index, _, ok := parsePair(name)
	if !ok {
		return t.remnants().named(name)
	}
	e, err := findReplaced(f.from, index, func(e *walcore.Entry) bool { return replacedName(e) == name })
	switch {
	case err != nil:
		return 0, err
	case !hasNode(&e):
		return 0, noNodeError(name)
	}
	return nodeOf(kindReplaced, &e), nil
}

func replacedName(e *walcore.Entry) string { return pairName(e.Index, e.Term) }

func (t *Tree) replacedAttr(e *walcore.Entry) Attr {
	a := t.entryAttr(e)
	a.Inode, a.Links, a.Committed = nodeOf(kindReplaced, e).inode(), 1, false
	return a
}

// replacedEntry finds the replaced entry whose file n is.
func (t *Tree) replacedEntry(n Node) (walcore.Entry, error) {
	r, ok := t.log.(walcore.Replacer)
	if !ok {
		return walcore.Entry{}, fmt.Errorf("node %#x: %w", uint64(n), fs.ErrNotExist)
	}
	return findReplaced(r, n.index(), func(e *walcore.Entry) bool { return hasNode(e) && nodeOf(kindReplaced, e) == n })
}

// findReplaced finds the one entry that is meant. Two of an index can have the same node,
// see entryNode: neither is shown in the place of the other.
func findReplaced(r walcore.Replacer, index uint64, is func(*walcore.Entry) bool) (found walcore.Entry, err error) {
	matches := 0
	for e := range r.Replaced(index) {
		if e.Index > index {
			break
		}
		if is(&e) {
			found = e
			matches++
		}
	}
	switch matches {
	case 0:
		err = fmt.Errorf("replaced entry %d: %w", index, fs.ErrNotExist)
	case 1:
	default:
		err = fmt.Errorf("%d replaced entries of index %d cannot be told apart: they have one inode number", matches, index)
	}
	return found, err
}
