package fsview

import (
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/walfs/walfs/walcore"
)

// Node names a file or folder by a number. It is computed from what it stands for:
// a kind, and an argument that tells things of that kind apart. Root is 1, as FUSE
// wants it, and no file or folder is 0.
//
//	63        59 58             48 47                       0
//	| kind (5)  | argument (59)                             |
//	| kind (5)  | first part (11) | second part (48)        |  of some kinds
//	| kind (5)  | mark (15)   | index (44)                  |  of entries
//	| kind (5)  | log file's id (24) | hash (35)            |  of lines
//
// What a name leads to gets another node when it comes to hold something else: an
// index another term's entry, a text other words. Whoever still has the old node
// open gets the old bytes or an error, and never some of each. There are bytes that
// change under their node, in native/ for example: Changes lists those nodes.
type Node uint64

// Root is the top folder.
const Root Node = 1

type kind uint8

// Kinds of nodes. They are part of inode numbers, so that they stay.
const (
	kindRoot         kind = iota
	kindFolder            // argument: one of the folder constants
	kindText              // parts: one of the text constants, a hash of what the text says
	kindEntry             // argument: a mark of the term and the log file, the index
	kindTerm              // argument: the term
	kindTermShort         // the same folder, found under the term's short name
	kindLogFile           // argument: the log file's id
	kindNative            // parts: 0, a hash of the name
	kindSnapshot          // parts: one of the snapshot constants, the snapshot's index
	kindLatest            // parts: 0, the snapshot's index
	kindDecoded           // argument: as an entry's
	kindNotAsked          // as kindDecoded, while a program that hangs is not asked
	kindType              // argument: the entry type
	kindReplaced          // argument: as an entry's
	kindRemnant           // argument: a hash of the log file, the place in it, and the payload
	kindLines             // argument: the log file's id, a hash of the lines
	kindNativeFolder      // parts: 0, a hash of the path in native/
)

const (
	argBits    = 59
	secondBits = 48
	firstBits  = argBits - secondBits
	indexBits  = 44 // walcore.MaxNumber takes as many
	markBits   = argBits - indexBits
	termBits   = 6  // of a mark: the term's lowest bits
	linesBits  = 35 // of the hash of lines

	maxArg       = 1<<argBits - 1
	maxSecond    = 1<<secondBits - 1
	maxLinesHash = 1<<linesBits - 1
	maxFileID    = 1<<(argBits-linesBits) - 1 // of a log file whose lines are shown
)

// maxNumber bounds the indexes and terms of entries that a tree shows: an index
// shares a node with a kind and a mark.
const maxNumber = walcore.MaxNumber

// hasNode reports whether an entry can be told from all others by a node.
func hasNode(e *walcore.Entry) bool { return e.Index <= maxNumber && e.Term <= maxNumber }

// noNodeError says why something that is in the log is not in the tree.
func noNodeError(what string) error {
	return fmt.Errorf("%s: no log counts beyond %d: %w; status.json has the details", what, uint64(maxNumber), walcore.ErrDamaged)
}

func node(k kind, arg uint64) Node { return Node(uint64(k)<<argBits | arg&maxArg) }

func nodeOfParts(k kind, first, second uint64) Node {
	return node(k, first&(1<<firstBits-1)<<secondBits|second&maxSecond)
}

func (n Node) kind() kind    { return kind(n >> argBits) }
func (n Node) arg() uint64   { return uint64(n) & maxArg }
func (n Node) index() uint64 { return uint64(n) & maxNumber } // of an entry's node

// entryNode is the node of an entry, or of what is made of it. Nodes of one index
// differ if the terms do, and are less than 2^6 apart: a new leader replaces entries
// in another term. If the terms are the same, or further apart, but the file is another
// one, as in a directory that was restored from a backup, or the same after its payloads
// were emptied, they differ but for one time in 2^9.
//
// Entries of one term and log file that follow one another have nodes that do.
func entryNode(k kind, term, index uint64, in *walcore.File) Node {
	const termMask = 1<<termBits - 1
	file := (in.Identity + term>>termBits) * mixer >> (64 - markBits) &^ termMask
	return node(k, (file|term&termMask)<<indexBits|index&maxNumber)
}

func nodeOf(k kind, e *walcore.Entry) Node { return entryNode(k, e.Term, e.Index, e.File) }

// linesNode is the node of a log file's lines, with the given checksum. It is not the one
// without a hash, which is the file's whatever its lines are.
func linesNode(file, sum uint64) Node {
	return anyLinesNode(file) | Node(max(sum>>(64-linesBits), 1))
}

func anyLinesNode(file uint64) Node { return node(kindLines, file<<linesBits) }

// mixer is an odd number of no pattern: the upper bits of a product with it depend on
// all bits of the other number.
const mixer = 0x9e3779b97f4a7c15

func typeNode(t walcore.EntryType) Node { return node(kindType, uint64(t)) }

// isOfEntry reports whether n is an entry's file or its text in decoded/.
func (n Node) isOfEntry() bool { return n.kind() == kindEntry || n.kind() == kindDecoded }

// IsDecoded reports whether n is an entry's text in decoded/.
func (n Node) IsDecoded() bool { return n.kind() == kindDecoded }

// Index is the index of the entry whose file, or text in decoded/, n is.
func (n Node) Index() (index uint64, ok bool) { return n.index(), n.isOfEntry() }

// IsShortName reports whether name, which led to n, is a short form: one that the
// folder does not list.
func IsShortName(n Node, name string) bool {
	switch n.kind() {
	case kindEntry:
		return len(name) != nameDigits
	case kindDecoded:
		return len(name) != nameDigits+len(decodedSuffix)
	case kindRemnant:
		return len(name)-strings.LastIndexByte(name, '-')-1 != nameDigits
	}
	return n.kind() == kindTermShort
}

// Transient reports whether the name that led to n will soon lead elsewhere. It is to
// be looked up each time.
func (n Node) Transient() bool { return n.kind() == kindNotAsked }

// IsSubfolder reports whether n is the folder of a term or of a log file. A log can
// have thousands of those.
func (n Node) IsSubfolder() bool {
	k := n.kind()
	return k == kindTerm || k == kindTermShort || k == kindLogFile
}

// inode is what stat shows: unique in a tree, and the same in every tree of a log.
// It is the node, but for the folder of a term, which has two nodes.
func (n Node) inode() uint64 {
	if n.kind() == kindTermShort {
		n = node(kindTerm, n.arg())
	}
	return uint64(n)
}

// Attr is what stat tells of a node. Mtime is all of its times.
type Attr struct {
	Inode    uint64
	Size     int64
	Blocks   int64 // of 512 bytes
	Mode     fs.FileMode
	Links    uint32
	UID, GID uint32
	Mtime    time.Time
	// Committed says that it is the file of a committed entry. Nothing of it will
	// change as long as it exists.
	Committed bool
	// CommitUnknown says that it is an entry's file, and that the log does not tell whether that
	// is committed. Most are.
	CommitUnknown bool
}

func blocks(size int64) int64 { return (size + 511) / 512 }

// readable is what a read-only tree leaves of a file's permissions.
func readable(m fs.FileMode) fs.FileMode { return m.Perm() & 0o444 }

// fileAttr is of a file that has its owner and permissions from another one.
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
