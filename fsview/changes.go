package fsview

import (
	"iter"
	"strconv"

	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
)

// Change is something that a kernel may have cached and that holds no longer.
type Change struct {
	// Folder has other names now, or this Name in it leads elsewhere or
	// nowhere. With Folder 0, it is the file Node that has other bytes.
	Folder Node
	Name   string
	Node   Node
	// Index is that of the entry whose name it is; 0 for other names.
	Index uint64
}

// Changes goes through what differs between two trees of a directory. Names
// that appeared are not among them: they come with their folder.
func Changes(before, after *Tree) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		_ = before.fixedChanges(after, yield) &&
			before.folderChanges(after, yield) &&
			before.entryChanges(after, yield)
	}
}

// fixedChanges finds names of fixed folders that lead elsewhere.
func (t *Tree) fixedChanges(after *Tree, yield func(Change) bool) bool {
	for n, o := range t.fixed {
		f, ok := o.(*fixedFolder)
		if !ok {
			continue
		}
		now, _ := after.fixed[n].(*fixedFolder)
		differs := now == nil || len(now.items) != len(f.items)
		for _, it := range f.items {
			// What nobody has asked for, no kernel knows.
			if x, ok := t.fixed[it.node].(*text); ok && x.made.Load() && !yield(Change{Folder: n, Name: it.name}) {
				return false
			}
			if t.otherBytes(after, it.node) && !yield(Change{Node: it.node}) {
				return false
			}
			if now == nil || !now.has(it) {
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

func (f *fixedFolder) has(it item) bool {
	for _, other := range f.items {
		if other == it {
			return true
		}
	}
	return false
}

// otherBytes reports whether a fixed file may have changed under its node.
func (t *Tree) otherBytes(after *Tree, n Node) bool {
	switch x := t.fixed[n].(type) {
	case *text:
		return n.kind() != kindText && x.made.Load() // its node does not tell what it says
	case native:
		// A writer's stores to a mapping need not change a file's times.
		y, ok := after.fixed[n].(native)
		return !ok || x.file.Attr != y.file.Attr || after.r.WrittenTo(y.file)
	case part:
		y, ok := after.fixed[n].(part)
		return !ok || x.file.Attr.FileID() != y.file.Attr.FileID()
	case link:
		return after.fixed[n] != x
	}
	return false
}

// folderChanges are the folders of entries, if any entry changed.
func (t *Tree) folderChanges(after *Tree, yield func(Change) bool) bool {
	first, last := dgraph.Kept(t.r.Log(), after.r.Log())
	for _, f := range []uint64{folderEntries, folderTerms, folderNormal, folderConfChange, folderConfChangeV2, folderDecoded} {
		if !yield(Change{Folder: node(kindFolder, f)}) {
			return false
		}
	}
	for _, f := range after.r.Log().Files() {
		if !yield(Change{Folder: node(kindLogFile, f.ID)}) {
			return false
		}
	}
	for _, tree := range []*Tree{t, after} {
		for _, span := range tree.r.Log().Terms() {
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

// entryChanges are the names of entries that are gone or have another term.
// Those in a folder that is gone as well go with it.
func (t *Tree) entryChanges(after *Tree, yield func(Change) bool) bool {
	log := t.r.Log()
	for _, span := range log.Terms() {
		if _, still := after.r.Log().Term(span.Term); still {
			continue
		}
		if !yield(Change{Folder: node(kindFolder, folderTerms), Name: numberName(span.Term)}) {
			return false
		}
	}
	if t.redecoded(after) {
		for s, f := range log.SlotsBut(1, 0) {
			if !yield(decodedName(s)) || !yield(Change{Node: entryNode(kindDecoded, s.Term, s.Index, f)}) {
				return false
			}
		}
	}
	first, last := dgraph.Kept(log, after.r.Log())
	for s, f := range log.SlotsBut(first, last) {
		at := []Node{node(kindFolder, folderEntries)}
		if in, known := typeFolder(s.Type); known {
			at = append(at, in)
		}
		if _, still := after.r.Log().Term(s.Term); still {
			at = append(at, node(kindTerm, s.Term), node(kindTermShort, s.Term))
		}
		if in := node(kindLogFile, f.ID); after.fixed[in] != nil {
			at = append(at, in)
		}
		name := numberName(s.Index)
		for _, folder := range at {
			if !yield(Change{Folder: folder, Name: name, Index: s.Index}) {
				return false
			}
		}
		if !yield(decodedName(s)) {
			return false
		}
		// An entry that was written again in the same term has the same node.
		now, in, ok := after.r.Log().Slot(s.Index)
		for _, k := range []kind{kindEntry, kindDecoded} {
			n := entryNode(k, s.Term, s.Index, f)
			if ok && entryNode(k, now.Term, now.Index, in) == n && !yield(Change{Node: n}) {
				return false
			}
		}
	}
	return true
}

func decodedName(s format.Slot) Change {
	return Change{Folder: node(kindFolder, folderDecoded), Name: numberName(s.Index) + decodedSuffix, Index: s.Index}
}

// OneOfMany reports whether n is a folder of which there can be thousands.
func (n Node) OneOfMany() bool {
	k := n.kind()
	return k == kindTerm || k == kindTermShort || k == kindLogFile
}

// Place tells where a folder is that can have many names.
func (n Node) Place() (folder Node, name string) {
	switch n.kind() {
	case kindTerm:
		return node(kindFolder, folderTerms), numberName(n.arg())
	case kindTermShort:
		return node(kindFolder, folderTerms), strconv.FormatUint(n.arg(), 10)
	case kindLogFile:
		return node(kindFolder, folderFiles), format.FileName(n.arg())
	}
	switch n.arg() {
	case folderEntries:
		return Root, "entries"
	case folderTerms:
		return Root, "terms"
	case folderFiles:
		return Root, "files"
	case folderDecoded:
		return Root, "decoded"
	case folderNative:
		return Root, "native"
	}
	return node(kindFolder, folderTypes), typeNames[n.arg()-folderNormal]
}
