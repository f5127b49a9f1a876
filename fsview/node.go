package fsview

import (
	"github.com/walfs/walfs/walcore"

	"io/fs"
	"time"
)

// Node names a file or folder by a number that is computed, never looked up: a
// kind and an argument. Root is 1, as FUSE has it.
//
//	63        59 58                              0
//	| kind (5)  | argument (59)                  |
//
// A node stands for content, not for a place: when an index comes to hold
// another entry, or a text to say something else, the name leads to another
// node. Whoever still has the old one open never reads a mixture.
type Node uint64

// Root is the top folder.
const Root Node = 1

type kind uint8

// Kinds of nodes.
const (
	kindRoot      kind = iota
	kindFolder         // argument: one of the folder constants
	kindText           // argument: one of the text constants (11), a hash of the text (48)
	kindEntry          // argument: the term and the log file (11), the index (48)
	kindTerm           // argument: the term
	kindTermShort      // the same folder, looked up by its short name
	kindLogFile        // argument: the log file's id
	kindNative         // argument: a hash of the name
	kindSnapshot       // argument: the part (11), the snapshot's index (48)
	kindLatest         // argument: the snapshot's index
	kindDecoded        // argument: as an entry's
	kindNotAsked       // the same name, while a program that hangs is not asked
	kindType           // argument: the entry type
	kindReplaced       // argument: as an entry's
)

const (
	argBits = 59
	lowBits = 48 // of an argument that has two parts
)

func node(k kind, arg uint64) Node { return Node(uint64(k)<<argBits | arg) }

func (n Node) kind() kind  { return kind(n >> argBits) }
func (n Node) arg() uint64 { return uint64(n) & (1<<argBits - 1) }

// low is the lower part of an argument that has two.
func (n Node) low() uint64 { return uint64(n) & (1<<lowBits - 1) }

func pair(k kind, high, low uint64) Node {
	return node(k, high&(1<<(argBits-lowBits)-1)<<lowBits|low&(1<<lowBits-1))
}

// entryNode differs between the terms that follow one another at an index of
// one log file, and most likely between files: a restored directory has others
// under the same names. Whoever has an entry open that is emptied must not find
// it short.
func entryNode(k kind, term, index uint64, in *walcore.File) Node {
	return pair(k, term+in.Identity*spread>>(64-argBits+lowBits), index)
}

func nodeOf(k kind, e *walcore.Entry) Node { return entryNode(k, e.Term, e.Index, e.File) }

// spread makes the upper bits of a product depend on all bits of a number.
const spread = 0x9e3779b97f4a7c15

// Index is that of the entry whose file, or text in decoded/, n is.
func (n Node) Index() (index uint64, ok bool) { return n.low(), n.Sequential() }

// IsAlias reports whether name is a short form, which a folder's list does not
// have.
func IsAlias(n Node, name string) bool {
	switch n.kind() {
	case kindEntry:
		return len(name) != nameDigits
	case kindDecoded:
		return len(name) != nameDigits+len(decodedSuffix)
	}
	return n.kind() == kindTermShort
}

// typeFolder is the folder of an entry type in types/.
func typeFolder(t walcore.EntryType) Node { return node(kindType, uint64(t)) }

// Passing reports whether n's name will lead elsewhere soon, and must be looked
// up each time.
func (n Node) Passing() bool { return n.kind() == kindNotAsked }

// Sequential reports whether n is one of many files whose nodes follow one
// another as they do.
func (n Node) Sequential() bool { return n.kind() == kindEntry || n.kind() == kindDecoded }

// inode is what stat shows: unique within a mount, the same on every mount, and
// another one once an index holds another entry. That is what a node is, but
// that a term's folder has two.
func (n Node) inode() uint64 {
	if n.kind() == kindTermShort {
		n = node(kindTerm, n.arg())
	}
	return uint64(n)
}

// Attr is what stat tells of a node. Times are all Mtime.
type Attr struct {
	Inode    uint64
	Size     int64
	Blocks   int64 // of 512 bytes
	Mode     fs.FileMode
	Links    uint32
	UID, GID uint32
	Mtime    time.Time
	// Settled says that the file will not change in its life: a committed
	// entry, which can only go.
	Settled bool
}

func blocks(size int64) int64 { return (size + 511) / 512 }

// readable is the permission that remains of a native file's on a read-only
// tree.
func readable(m fs.FileMode) fs.FileMode { return m.Perm() & 0o444 }

func fileAttr(n Node, size int64, of *walcore.Attr, mtime time.Time) Attr {
	return Attr{
		Inode:  n.inode(),
		Size:   size,
		Blocks: blocks(size),
		Mode:   readable(of.Mode),
		Links:  1,
		UID:    of.UID,
		GID:    of.GID,
		Mtime:  mtime,
	}
}
