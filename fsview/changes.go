package fsview

import (
	"github.com/walfs/walfs/walcore"

	"iter"
	"strconv"
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
		return !ok || *x.of != *y.of || y.written
	case part:
		y, ok := after.fixed[n].(part)
		return !ok || x.of.FileID() != y.of.FileID()
	case link:
		return after.fixed[n] != x
	}
	return false
}

// folderChanges are the folders of entries, if any entry changed.
func (t *Tree) folderChanges(after *Tree, yield func(Change) bool) bool {
	first, last := after.unchanged(t)
	for _, f := range []uint64{folderEntries, folderTerms, folderDecoded, folderReplaced} {
		if !yield(Change{Folder: node(kindFolder, f)}) {
			return false
		}
	}
	for _, name := range after.log.Meta().System.Types {
		if !yield(Change{Folder: typeFolder(name.Type)}) {
			return false
		}
	}
	for _, f := range after.files {
		if !yield(Change{Folder: node(kindLogFile, f.ID)}) {
			return false
		}
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

// unchanged is the range of indexes that an earlier tree shows as t does.
func (t *Tree) unchanged(before *Tree) (first, last uint64) {
	if f, ok := t.log.(walcore.Follower); ok {
		return f.Unchanged(before.log)
	}
	return 1, 0
}

// outlineBut goes through the entries, upwards, those with indexes from first to
// last left out, without a look at their payloads.
func (t *Tree) outlineBut(first, last uint64) iter.Seq[walcore.Entry] {
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

// entryChanges are the names of entries that are gone or have another term.
// Those in a folder that is gone as well go with it.
func (t *Tree) entryChanges(after *Tree, yield func(Change) bool) bool {
	for _, span := range t.log.Terms() {
		if _, still := walcore.FindTerm(after.log, span.Term); still {
			continue
		}
		if !yield(Change{Folder: node(kindFolder, folderTerms), Name: numberName(span.Term)}) {
			return false
		}
	}
	if t.redecoded(after) {
		for e := range t.outlineBut(1, 0) {
			if !yield(decodedName(e.Index)) || !yield(Change{Node: nodeOf(kindDecoded, &e)}) {
				return false
			}
		}
	}
	for e := range t.outlineBut(after.unchanged(t)) {
		if !t.nameChanges(after, &e, yield) || !sameNodeChanges(after, &e, yield) {
			return false
		}
	}
	return true
}

// nameChanges are the names of an entry that is gone or has another term.
func (t *Tree) nameChanges(after *Tree, e *walcore.Entry, yield func(Change) bool) bool {
	at := []Node{node(kindFolder, folderEntries)}
	if _, known := t.log.Meta().System.TypeName(e.Type); known {
		at = append(at, typeFolder(e.Type))
	}
	if _, still := walcore.FindTerm(after.log, e.Term); still {
		at = append(at, node(kindTerm, e.Term), node(kindTermShort, e.Term))
	}
	if in := node(kindLogFile, e.File.ID); after.fixed[in] != nil {
		at = append(at, in)
	}
	name := numberName(e.Index)
	for _, folder := range at {
		if !yield(Change{Folder: folder, Name: name, Index: e.Index}) {
			return false
		}
	}
	return yield(decodedName(e.Index))
}

// sameNodeChanges are the files of an entry that was written again in the same
// term: they have the same nodes.
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

// OneOfMany reports whether n is a folder of which there can be thousands.
func (n Node) OneOfMany() bool {
	k := n.kind()
	return k == kindTerm || k == kindTermShort || k == kindLogFile
}

// Where tells where a folder is that can have many names.
func (t *Tree) Where(n Node) (folder Node, name string) {
	switch n.kind() {
	case kindTerm:
		return node(kindFolder, folderTerms), numberName(n.arg())
	case kindTermShort:
		return node(kindFolder, folderTerms), strconv.FormatUint(n.arg(), 10)
	case kindLogFile:
		folder = node(kindFolder, folderFiles)
	case kindType:
		folder = node(kindFolder, folderTypes)
	default:
		folder = Root
	}
	if f, ok := t.fixed[folder].(*fixedFolder); ok {
		for _, it := range f.items {
			if it.node == n {
				return folder, it.name
			}
		}
	}
	return folder, ""
}
