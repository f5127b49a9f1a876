package fsview

import (
	"iter"
	"slices"
	"strconv"

	"github.com/walfs/walfs/walcore"
)

// Change is something that was right in one tree and is not in a later one. It is one
// of three things: a file, Node, has other bytes; a Name in Folder leads elsewhere or
// nowhere; or Folder, without a name, has other names or another time.
type Change struct {
	Folder Node // 0: it is the file Node
	Name   string
	Node   Node
	Index  uint64 // of the entry whose name it is; 0: it is not an entry's
}

// Changes goes through what a cache of one tree of a directory may have to drop when
// another follows it. A name that is new is not among them; its folder is.
func Changes(before, after *Tree) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		_ = before.fixedChanges(after, yield) &&
			before.linesChanges(after, yield) &&
			before.folderChanges(after, yield) &&
			before.entryChanges(after, yield)
	}
}

// fixedChanges are those of folders and files that do not depend on entries.
func (t *Tree) fixedChanges(after *Tree, yield func(Change) bool) bool {
	for n, o := range t.fixed {
		f, ok := o.(*fixedFolder)
		if !ok {
			continue
		}
		now, _ := after.fixed[n].(*fixedFolder)
		differs := now == nil || len(now.items) != len(f.items)
		for _, it := range f.items {
			// No cache has a text that nobody has asked for.
			if x, ok := t.fixed[it.node].(*text); ok && x.asked.Load() && !yield(Change{Folder: n, Name: it.name}) {
				return false
			}
			if t.mayHaveOtherBytes(after, it.node) && !yield(Change{Node: it.node}) {
				return false
			}
			if now == nil || !slices.Contains(now.items, it) {
				differs = true
				if !yield(Change{Folder: n, Name: it.name}) {
					return false
				}
			}
		}
		if differs && !yield(Change{Folder: n}) {
			return false
		}
	}
	return yield(Change{Folder: Root})
}

// mayHaveOtherBytes reports whether a fixed file may have other bytes under the same
// node.
func (t *Tree) mayHaveOtherBytes(after *Tree, n Node) bool {
	switch x := t.fixed[n].(type) {
	case *text:
		return n.kind() != kindText && x.asked.Load() // the node has no hash of them
	case nativeFile:
		// What a writer stores to a mapping need not change the file's times.
		y, ok := after.fixed[n].(nativeFile)
		return !ok || *x.of != *y.of || y.written
	case sectionFile:
		y, ok := after.fixed[n].(sectionFile)
		return !ok || x.of.FileID() != y.of.FileID()
	case link:
		return after.fixed[n] != x
	}
	return false
}

// linesChanges are the names in jsonl/ that somebody has looked up and that may lead to other
// lines: those of files that are not as they were, and of the one to which entries are added.
func (t *Tree) linesChanges(after *Tree, yield func(Change) bool) bool {
	first, last := after.unchanged(t)
	newest := t.newestFile()
	for _, file := range t.files {
		f, ok := t.fixed[anyLinesNode(file.ID)].(*linesFile)
		if !ok || f.File != file || !f.texts.asked.Load() {
			continue
		}
		now, ok := after.fixed[anyLinesNode(file.ID)].(*linesFile)
		x := f.texts.newest()
		if ok && now.texts == f.texts && file != newest && x != nil && first <= x.first && x.last <= last {
			continue
		}
		if !yield(Change{Folder: node(kindFolder, folderLines), Name: file.Name + linesSuffix}) {
			return false
		}
	}
	return true
}

// newestFile is the log file with the last entry, or nil.
func (t *Tree) newestFile() *walcore.File {
	terms := t.log.Terms()
	if log, ok := t.log.(walcore.Follower); ok && len(terms) > 0 {
		for e := range log.Outline(terms[len(terms)-1].Last) {
			return e.File
		}
	}
	return nil
}

// folderChanges are the folders of entries: all that a new entry may be in, and those
// of terms that have changed. Where both logs give the same entries only folders with
// another time are among them: a list that the kernel has to drop while it reads it may not
// be cached the next times either (Linux 6.18).
func (t *Tree) folderChanges(after *Tree, yield func(Change) bool) bool {
	first, last := after.unchanged(t)
	folders := []Node{node(kindFolder, folderEntries), node(kindFolder, folderTerms), node(kindFolder, folderDecoded)}
	for _, name := range after.log.Meta().System.Types {
		folders = append(folders, typeNode(name.Type))
	}
	for _, f := range after.files {
		folders = append(folders, node(kindLogFile, f.ID))
	}
	log, partial := after.log.(walcore.Partial)
	same := partial && log.SameEntries(t.log)
	for _, f := range folders {
		if !(same && t.sameAttr(after, f)) && !yield(Change{Folder: f}) {
			return false
		}
	}
	if !yield(Change{Folder: node(kindFolder, folderReplaced)}) {
		return false
	}
	for _, tree := range []*Tree{t, after} {
		for _, span := range tree.log.Terms() {
			if span.First >= first && span.Last <= last {
				continue
			}
			if !yield(Change{Folder: node(kindTerm, span.Term)}) || !yield(Change{Folder: node(kindTermShort, span.Term)}) {
				return false
			}
		}
	}
	return true
}

// sameAttr reports whether a node has the same attributes in a later tree.
func (t *Tree) sameAttr(after *Tree, n Node) bool {
	was, err := t.Attr(n)
	is, errNow := after.Attr(n)
	return err == nil && errNow == nil && was == is
}

// unchanged is the range of indexes of which an earlier tree shows the same entries.
func (t *Tree) unchanged(before *Tree) (first, last uint64) {
	if f, ok := t.log.(walcore.Follower); ok {
		return f.Unchanged(before.log)
	}
	return 1, 0
}

// outlineExcept goes through the entries, upwards, those with indexes from first to
// last left out, without a look at their payloads.
func (t *Tree) outlineExcept(first, last uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		f, ok := t.log.(walcore.Follower)
		if !ok {
			return
		}
		for e := range f.Outline(0) {
			if first <= e.Index && e.Index <= last {
				break
			}
			if !yield(e) {
				return
			}
		}
		if first > last {
			return
		}
		for e := range f.Outline(last + 1) {
			if !yield(e) {
				return
			}
		}
	}
}

// entryChanges are the names of terms and entries that are gone or lead elsewhere, and
// the files of entries that have other bytes. A name in a folder whose own name is among
// the changes is left out.
func (t *Tree) entryChanges(after *Tree, yield func(Change) bool) bool {
	for _, span := range t.log.Terms() {
		if _, still := walcore.FindTerm(after.log, span.Term); still {
			continue
		}
		if !yield(Change{Folder: node(kindFolder, folderTerms), Name: numberName(span.Term)}) {
			return false
		}
	}
	if t.decodesOtherwise(after) {
		for e := range t.outlineExcept(1, 0) {
			if !yield(decodedName(e.Index)) || !yield(Change{Node: nodeOf(kindDecoded, &e)}) {
				return false
			}
		}
	}
	if !t.replacedChanges(yield) {
		return false
	}
	for e := range t.outlineExcept(after.unchanged(t)) {
		if !t.nameChanges(after, &e, yield) || !sameNodeChanges(after, &e, yield) {
			return false
		}
	}
	return true
}

// replacedChanges are the names of all that was replaced: a writer writes over it.
func (t *Tree) replacedChanges(yield func(Change) bool) bool {
	r, ok := t.log.(walcore.Replacer)
	if !ok {
		return true
	}
	folder := node(kindFolder, folderReplaced)
	for e := range r.Replaced(0) {
		if !yield(Change{Folder: folder, Name: replacedName(&e)}) {
			return false
		}
	}
	for _, f := range t.remnantSearch.shown() {
		if !yield(Change{Folder: folder, Name: f.name}) {
			return false
		}
	}
	return true
}

// nameChanges are the names of an entry, in all folders that are still there.
func (t *Tree) nameChanges(after *Tree, e *walcore.Entry, yield func(Change) bool) bool {
	folders := []Node{node(kindFolder, folderEntries)}
	if _, known := t.log.Meta().System.TypeName(e.Type); known {
		folders = append(folders, typeNode(e.Type))
	}
	if _, still := walcore.FindTerm(after.log, e.Term); still {
		folders = append(folders, node(kindTerm, e.Term), node(kindTermShort, e.Term))
	}
	if in := node(kindLogFile, e.File.ID); after.fixed[in] != nil {
		folders = append(folders, in)
	}
	name := numberName(e.Index)
	for _, folder := range folders {
		if !yield(Change{Folder: folder, Name: name, Index: e.Index}) {
			return false
		}
	}
	return yield(decodedName(e.Index))
}

// sameNodeChanges are the files of an entry that was written again with the same node:
// in the same term and log file.
func sameNodeChanges(after *Tree, e *walcore.Entry, yield func(Change) bool) bool {
	f, ok := after.log.(walcore.Follower)
	if !ok {
		return true
	}
	for now := range f.Outline(e.Index) {
		if now.Index != e.Index {
			break
		}
		for _, k := range []kind{kindEntry, kindDecoded} {
			if n := nodeOf(k, e); nodeOf(k, &now) == n && !yield(Change{Node: n}) {
				return false
			}
		}
	}
	return true
}

func decodedName(index uint64) Change {
	return Change{Folder: node(kindFolder, folderDecoded), Name: numberName(index) + decodedSuffix, Index: index}
}

// Parent tells in which folder, and under which name, a folder of entries is.
func (t *Tree) Parent(n Node) (parent Node, name string) {
	parent = Root
	switch n.kind() {
	case kindTerm:
		return node(kindFolder, folderTerms), numberName(n.arg())
	case kindTermShort:
		return node(kindFolder, folderTerms), strconv.FormatUint(n.arg(), 10)
	case kindLogFile:
		parent = node(kindFolder, folderFiles)
	case kindType:
		parent = node(kindFolder, folderTypes)
	}
	if f, ok := t.fixed[parent].(*fixedFolder); ok {
		for _, it := range f.items {
			if it.node == n {
				return parent, it.name
			}
		}
	}
	return parent, ""
}
