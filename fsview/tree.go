package fsview

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/status"
)

// Tree is the view of one log, at one moment.
type Tree struct {
	log    walcore.Log
	more   []walcore.Problem // beside the log's own
	files  []*walcore.File
	native []walcore.NativeFile
	newest time.Time // of the directory's times: that of all that has none of its own
	fixed  map[Node]object

	commit        uint64 // entries up to here never change
	commitUnknown bool   // the log does not tell
	links         uint32 // an entry's, unless its type has no folder
	decoding      *decoding

	remnantSearch remnantSearch
}

// Log is the log that the tree shows.
func (t *Tree) Log() walcore.Log { return t.log }

// Decoder is what says what the entries mean. To find out which one it is can take a look at
// entries.
func (t *Tree) Decoder() payload.Decoder { return t.decoding.decoder(t.log) }

// Status is what status.json says. It goes through all entries.
func (t *Tree) Status() *status.Status { return status.New(t.log, t.more...) }

// Dirent is a name in a folder.
type Dirent struct {
	Name string
	Node Node
	Type fs.FileMode
	// Cookie is where List goes on after this name. It grows from name to name. An
	// entry's is its index, so that it stays right when entries before it come or go.
	Cookie uint64
	// Attr is nil if it takes work to find out: ask Tree.Attr. It is good until the
	// callback returns.
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
	readAt(t *Tree, p []byte, off int64) (int, error)
}

// entryObject is an entry's file, or one that is made of an entry.
type entryObject interface {
	fileObject
	// appendTo appends all of the file to dst. If it fails, it returns dst as it was.
	appendTo(t *Tree, dst []byte, payloads *walcore.Scanner) ([]byte, error)
	// payloadSize is how many bytes the entry has.
	payloadSize() int64
}

func (t *Tree) object(n Node) (object, error) {
	if o, ok := t.fixed[n.withoutHash()]; ok {
		if f, ok := o.(*linesFile); ok {
			return f.at(t, n)
		}
		return o, t.checkText(o, n)
	}
	switch n.kind() {
	case kindEntry, kindReplaced:
		e, err := t.entry(n)
		return &entryFile{e}, err
	case kindDecoded, kindNotAsked:
		e, err := t.entry(n)
		return &decodedFile{e, n}, err
	case kindRemnant:
		return t.remnant(n)
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

// Lookup finds a name in a folder. It fails with fs.ErrNotExist where there is none,
// and with walcore.ErrDamaged where there should be one and it cannot be shown.
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

// List calls fn for each name in a folder after a cookie, 0 for all of them, until fn
// returns false. Names come in the order of their bytes.
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
	return f.readAt(t, p, off)
}

// Cursor makes AppendEntry read entries that follow one another with few system calls.
// The zero value is ready for use; it belongs to one goroutine.
type Cursor struct{ payloads walcore.Scanner }

// Reset makes c forget what it has read of entries to come.
func (c *Cursor) Reset() { c.payloads.Reset() }

// AppendEntry appends to dst all of an entry's file, or of its text in decoded/, if the
// entry has at most so many bytes. Otherwise, and if it fails, it returns dst as it was.
func (t *Tree) AppendEntry(dst []byte, n Node, most int64, c *Cursor) ([]byte, error) {
	o, err := t.object(n)
	if err != nil {
		return dst, err
	}
	f, ok := o.(entryObject)
	if !ok {
		return dst, fmt.Errorf("node %#x is no entry's: %w", uint64(n), fs.ErrInvalid)
	}
	if f.payloadSize() > most {
		return dst, nil
	}
	return f.appendTo(t, dst, &c.payloads)
}

// Readlink gives a symbolic link's target, a name in the same folder.
func (t *Tree) Readlink(n Node) (string, error) {
	o, err := t.object(n)
	if err != nil {
		return "", err
	}
	l, ok := o.(link)
	if !ok {
		return "", fmt.Errorf("node %#x is no symbolic link: %w", uint64(n), fs.ErrInvalid)
	}
	return string(l), nil
}

// Usage is what statfs tells: the bytes that the directory takes on disk, and how many
// entries it has.
func (t *Tree) Usage() (bytes int64, entries int) {
	for _, n := range t.native {
		bytes += n.Attr.DiskBytes()
	}
	return bytes, walcore.Count(t.log)
}
