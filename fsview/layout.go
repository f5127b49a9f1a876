package fsview

import (
	_ "embed"
	"path"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// Folders that are in one place. The numbers are part of inode numbers: they stay.
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
	folderLines     = 14
)

// Texts. Those of meta/ have the numbers from textMeta on.
const (
	textReadme = iota
	textStatus
	textMembers
	textMeta
)

// Names in snapshots/, and in the folder there.
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
// The decoder says what entries mean. If it is nil, it is that of the application
// whose log it is, as payload.Classify tells.
//
// native/ shows the directory's own files as they are when they are read: see NewFrozen.
func New(log walcore.Log, decoder payload.Decoder) *Tree {
	return newTree(log, nil, nil, &decoding{given: decoder})
}

// NewFrozen makes a tree whose native/ has the given files: the log's image (see
// walcore.Imager), so that it stays as it was. Without any, it is New.
func NewFrozen(log walcore.Log, native []walcore.NativeFile, decoder payload.Decoder) *Tree {
	return newTree(log, native, nil, &decoding{given: decoder})
}

func newTree(log walcore.Log, native []walcore.NativeFile, more []walcore.Problem, d *decoding) *Tree {
	// An entry's links are in entries/, terms/, types/ and files/.
	t := &Tree{log: log, more: more, fixed: map[Node]object{}, links: 3, decoding: d}
	if f, ok := log.(walcore.Filer); ok {
		t.files, t.native, t.links = f.Files(), native, 4
		if native == nil {
			t.native = f.Native()
		}
	}
	m := log.Meta()
	t.newest = newestTime(&m.Dir, t.native)
	if t.commitUnknown = m.HardState == nil; !t.commitUnknown {
		t.commit = m.HardState.Commit
	}
	t.addTop()
	return t
}

// addTop adds the top folder and all below it that has a fixed place.
func (t *Tree) addTop() {
	m := t.log.Meta()
	items := []item{
		t.addText("README", textReadme, &m.Dir, func() ([]byte, error) { return readme, nil }),
		t.addStatus(),
		t.addFolder("entries", folderEntries, entryFolder{t.log.Entries, anyEntry}),
		t.addFolder("terms", folderTerms, termsFolder{}),
		t.addFolder("types", folderTypes, t.typesFolder()),
		t.addFolder("decoded", folderDecoded, decodedFolder{}),
		t.addFolder("meta", folderMeta, t.metaFolder()),
		t.addFolder("snapshots", folderSnapshots, t.snapshotsFolder()),
	}
	if f, ok := t.log.(walcore.Filer); ok {
		items = append(items, t.addFolder("files", folderFiles, t.filesFolder(f)),
			t.addFolder("jsonl", folderLines, t.linesFolder(f)),
			t.addFolder("native", folderNative, t.nativeFolder(f)))
	}
	if r, ok := t.log.(walcore.Replacer); ok {
		items = append(items, t.addFolder("replaced", folderReplaced, replacedFolder{r}))
	}
	t.fixed[Root] = newFixedFolder(items...)
}

// add gives an object its node, and returns the name under which its folder has it.
func (t *Tree) add(name string, n Node, o object) item {
	t.fixed[n] = o
	return item{name, n}
}

func (t *Tree) addFolder(name string, folder uint64, o folderObject) item {
	return t.add(name, node(kindFolder, folder), o)
}

func (t *Tree) addText(name string, number uint64, of *walcore.Attr, body func() ([]byte, error)) item {
	return t.add(name, nodeOfParts(kindText, number, 0), newText(of, body))
}

func (t *Tree) addStatus() item {
	x := newText(&t.log.Meta().Attr, func() ([]byte, error) { return t.Status().JSON() })
	x.costly = true
	return t.add("status.json", nodeOfParts(kindText, textStatus, 0), x)
}

func (t *Tree) typesFolder() *fixedFolder {
	var items []item
	for _, name := range t.log.Meta().System.Types {
		items = append(items, t.add(name.Name, typeNode(name.Type), entryFolder{t.log.Entries,
			func(e *walcore.Entry) bool { return e.Type == name.Type }}))
	}
	return newFixedFolder(items...)
}

func (t *Tree) filesFolder(log walcore.Filer) *fixedFolder {
	return t.logFilesFolder(log, "", maxArg, func(f *walcore.File) (Node, object) {
		return node(kindLogFile, f.ID), entryFolder{f.Source.Entries, func(e *walcore.Entry) bool { return e.File == f }}
	})
}

// logFilesFolder has an object for each log file, under its name and a suffix. A file with an
// id above maxID would have another one's node.
func (t *Tree) logFilesFolder(log walcore.Filer, suffix string, maxID uint64, of func(*walcore.File) (Node, object)) *fixedFolder {
	var items []item
	var unreadable []string
	for _, f := range t.files {
		if f.ID > maxID {
			unreadable = append(unreadable, f.Name+suffix)
			continue
		}
		n, o := of(f)
		items = append(items, t.add(f.Name+suffix, n, o))
	}
	for _, name := range log.Unreadable() {
		unreadable = append(unreadable, path.Base(name)+suffix)
	}
	f := newFixedFolder(items...)
	f.unreadable = cannotBeRead(unreadable)
	return f
}

// cannotBeRead is fixedFolder.unreadable of a folder that lacks some names.
func cannotBeRead(names []string) func(string) string {
	return func(name string) string {
		if slices.Contains(names, name) {
			return "cannot be read"
		}
		return ""
	}
}
