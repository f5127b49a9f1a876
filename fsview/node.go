package fsview

import (
	"io/fs"
	"time"

	"github.com/walfs/walfs/walcore"
)

// Node names a file or folder of the tree by a number that is computed, never
// looked up: a kind and an argument. It stays the same as long as the tree is
// open; Root is 1, as FUSE has it.
//
//	63        56 55                              0
//	| kind      | argument                       |
type Node uint64

// Root is the top folder.
const Root Node = 1

type kind uint8

// Kinds of nodes. An entry's node is its index alone, not its term, so that it
// can be computed from a name.
const (
	kindRoot      kind = iota
	kindFolder         // argument: one of the folder constants
	kindText           // argument: one of the text constants
	kindEntry          // argument: the index
	kindTerm           // argument: the term
	kindTermShort      // the same folder, looked up by its short name
	kindLogFile        // argument: the log file's id
	kindNative         // argument: 0 wal.meta, 1 KEYREGISTRY, 2 + a log file's id
	kindSnapshot       // argument: part in the upper 8 bits, the snapshot's index
	kindLatest
	kindDecoded // argument: the index
)

const argBits = 56

func node(k kind, arg uint64) Node { return Node(uint64(k)<<argBits | arg) }

func (n Node) kind() kind  { return kind(n >> argBits) }
func (n Node) arg() uint64 { return uint64(n) & (1<<argBits - 1) }

// Sequential reports whether n is one of many files whose nodes follow one
// another as they do.
func (n Node) Sequential() bool { return n.kind() == kindEntry || n.kind() == kindDecoded }

// inode is what stat shows. It must not change from mount to mount, be unique
// within one, and differ when an index holds another entry:
//
//	an entry      0 (1) · term, its low bits (15) · index (48)
//	its text      1 (1) · kind (7) · term, its low bits (8) · index (48)
//	all others    1 (1) · node
func (n Node) inode(term uint64) uint64 {
	if n.kind() == kindEntry {
		return term&0x7fff<<48 | n.arg()
	}
	switch n.kind() {
	case kindTermShort:
		n = node(kindTerm, n.arg())
	case kindDecoded:
		n |= Node(term & 0xff << 48)
	}
	return 1<<63 | uint64(n)
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
}

func blocks(size int64) int64 { return (size + 511) / 512 }

// readable is the permission that remains of a native file's on a read-only
// tree.
func readable(m fs.FileMode) fs.FileMode { return m.Perm() & 0o444 }

func fileAttr(n Node, size int64, of walcore.Attr, mtime time.Time) Attr {
	return Attr{
		Inode:  n.inode(0),
		Size:   size,
		Blocks: blocks(size),
		Mode:   readable(of.Mode),
		Links:  1,
		UID:    of.UID,
		GID:    of.GID,
		Mtime:  mtime,
	}
}

// entryAttr needs no memory of its own, since a folder can hold millions.
func entryAttr(e *walcore.Entry) Attr {
	of := &e.File.Attr
	a := fileAttr(node(kindEntry, e.Index), e.Size, *of, time.Unix(of.Born.Unix(), int64(e.Term%1e9)))
	a.Inode = node(kindEntry, e.Index).inode(e.Term)
	a.Links = 4
	if _, known := typeFolder(e.Type); !known {
		a.Links = 3
	}
	return a
}
