package fsview

import (
	"github.com/walfs/walfs/walcore"

	_ "embed"
	"slices"

	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/status"
)

// Folders with fixed places. Numbers are part of inode numbers: they stay.
const (
	folderEntries   = 0
	folderTerms     = 1
	folderTypes     = 2
	folderFiles     = 6
	folderMeta      = 7
	folderHardState = 8
	folderConfState = 9
	folderSnapshots = 10
	folderNative    = 11
	folderDecoded   = 12
	folderReplaced  = 13
)

// Texts that are not metadata; those of meta/ come after them.
const (
	textReadme = iota
	textStatus
	textMembers
	textMeta
)

// Parts of a snapshot's folder.
const (
	snapshotFolder = iota
	snapshotData
	snapshotMetadata
	snapshotStored
	snapshotDecoded
)

//go:embed readme.txt
var readme []byte

// New makes the tree of a log, which must stay open as long as the tree is used.
// decoder says what entries mean; nil takes Dgraph's.
func New(log walcore.Log, decoder payload.Decoder) *Tree {
	return newTree(log, nil, &decoding{given: decoder})
}

func newTree(log walcore.Log, more []walcore.Problem, d *decoding) *Tree {
	t := &Tree{log: log, more: more, fixed: map[Node]object{}, links: 3, decoding: d}
	if f, ok := log.(walcore.Filer); ok {
		t.files, t.native, t.links = f.Files(), f.Native(), 4
	}
	m := log.Meta()
	t.newest = newestTime(&m.Dir, t.native)
	if m.HardState != nil {
		t.commit = m.HardState.Commit
	}
	t.build()
	return t
}

// build fills the fixed part of the tree.
func (t *Tree) build() {
	m := t.log.Meta()
	items := []item{
		t.text("README", textReadme, &m.Dir, func() ([]byte, error) { return readme, nil }),
		t.status(),
		t.place("entries", folderEntries, entryFolder{t.log, t.log.Entries, anyEntry}),
		t.place("terms", folderTerms, termsFolder{}),
		t.place("types", folderTypes, t.types()),
		t.place("decoded", folderDecoded, decodedFolder{}),
		t.place("meta", folderMeta, t.meta()),
		t.place("snapshots", folderSnapshots, t.snapshots()),
	}
	if _, ok := t.log.(walcore.Filer); ok {
		items = append(items, t.place("files", folderFiles, t.logFiles()), t.place("native", folderNative, t.nativeFiles()))
	}
	if r, ok := t.log.(walcore.Replacer); ok {
		items = append(items, t.place("replaced", folderReplaced, replacedFolder{r}))
	}
	t.fixed[Root] = newFixedFolder(items...)
}

func (t *Tree) place(name string, folder uint64, o object) item {
	return t.put(name, node(kindFolder, folder), o)
}

func (t *Tree) put(name string, n Node, o object) item {
	t.fixed[n] = o
	return item{name, n}
}

func (t *Tree) text(name string, number uint64, of *walcore.Attr, body func() ([]byte, error)) item {
	return t.put(name, pair(kindText, number, 0), newText(of, body))
}

func (t *Tree) status() item {
	x := newText(&t.log.Meta().Attr, func() ([]byte, error) { return status.New(t.log, t.more...).JSON() })
	x.lazy = true
	return t.put("status.json", pair(kindText, textStatus, 0), x)
}

func (t *Tree) types() *fixedFolder {
	var items []item
	for _, name := range t.log.Meta().System.Types {
		items = append(items, t.put(name.Name, typeFolder(name.Type), entryFolder{t.log, t.log.Entries,
			func(e *walcore.Entry) bool { return e.Type == name.Type }}))
	}
	return newFixedFolder(items...)
}

// unreadable is fixedFolder.lost for the directory's own files.
func (t *Tree) unreadable(name string) (why string) {
	if f, ok := t.log.(walcore.Filer); ok && slices.Contains(f.Unreadable(), name) {
		return "cannot be read"
	}
	return ""
}

func (t *Tree) logFiles() *fixedFolder {
	var items []item
	for _, f := range t.files {
		items = append(items, t.put(f.Name, node(kindLogFile, f.ID), entryFolder{t.log, f.Source.Entries,
			func(e *walcore.Entry) bool { return e.File == f }}))
	}
	f := newFixedFolder(items...)
	f.lost = t.unreadable
	return f
}

func (t *Tree) nativeFiles() *fixedFolder {
	var items []item
	for i := range t.native {
		f := &t.native[i]
		items = append(items, t.put(f.Name, pair(kindNative, 0, hash([]byte(f.Name))), newNative(f)))
	}
	f := newFixedFolder(items...)
	f.lost = t.unreadable
	return f
}
