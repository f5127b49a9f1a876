//go:build linux

// Package fusefs serves an fsview.Tree through FUSE.
//
// It is a raw file system: node ids are the tree's own numbers, so that there
// is no table of inodes, nothing to forget, and memory does not grow with what
// the kernel has seen. What makes it fast is what it does not answer:
//
//   - OPEN, OPENDIR, FLUSH, ACCESS, LSEEK and STATX get ENOSYS once a mount, and the
//     kernel never asks again;
//   - READDIRPLUS tells names with attributes, so that find and ls -l send no
//     LOOKUP and no GETATTR;
//   - all answers may be cached for long; what changes is taken back by
//     notifications (see follow);
//   - the mount is read-only, or each read would invalidate the atime;
//   - there are no extended attributes, unless they are asked for;
//   - a walk over many entries finds them in the page cache (see readAhead).
package fusefs

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// forever is how long the kernel may keep what cannot change.
const forever = 365 * 24 * time.Hour

// aWhile is for what is taken back by a notification when it changes: should
// one be lost, it is wrong no longer than this. Tests that want none lost set
// it to forever.
var aWhile = time.Second

type rawFS struct {
	fuse.RawFileSystem
	tree  fsview.View
	live  bool // the tree changes
	ahead *readAhead
	told  told
	// followed is closed when nobody looks at a live directory any more.
	followed chan struct{}
}

// New makes the adapter of a tree, or of one that changes.
func New(tree fsview.View) fuse.RawFileSystem {
	_, live := tree.(*fsview.Live)
	return &rawFS{RawFileSystem: fuse.NewDefaultRawFileSystem(), tree: tree, live: live, told: newTold(),
		followed: make(chan struct{})}
}

func (f *rawFS) String() string { return Name }

// Init is called once, before the first request.
func (f *rawFS) Init(s *fuse.Server) {
	f.ahead = newReadAhead(f.tree, s.InodeNotifyStoreCache)
	if live, ok := f.tree.(*fsview.Live); ok {
		go f.follow(live, s)
	} else {
		close(f.followed)
	}
}

func (f *rawFS) OnUnmount() { close(f.ahead.stop) }

// keep is how long the kernel may keep what a says.
func (f *rawFS) keep(a *fsview.Attr) time.Duration {
	if f.live && !a.Settled {
		return aWhile
	}
	return forever
}

// stale is status of an operation on a node that was there when its name was
// looked up: the name leads to another one by now.
func stale(err error) fuse.Status {
	if s := status(err); s != fuse.ENOENT {
		return s
	}
	return fuse.Status(syscall.ESTALE)
}

// status turns an error of the tree into an errno. Whatever is not plainly a
// wrong path is EIO: the bytes are not to be had.
func status(err error) fuse.Status {
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return fuse.OK
	case errors.Is(err, fs.ErrNotExist):
		return fuse.ENOENT
	case errors.Is(err, fs.ErrInvalid):
		return fuse.EINVAL
	}
	return fuse.EIO
}

func fillAttr(a *fsview.Attr, out *fuse.Attr) {
	sec, nsec := uint64(a.Mtime.Unix()), uint32(a.Mtime.Nanosecond())
	*out = fuse.Attr{
		Ino: a.Inode, Size: uint64(a.Size), Blocks: uint64(a.Blocks), Blksize: 4096,
		Atime: sec, Mtime: sec, Ctime: sec, Atimensec: nsec, Mtimensec: nsec, Ctimensec: nsec,
		Mode: uint32(a.Mode.Perm()) | typeBits(a.Mode), Nlink: a.Links,
		Owner: fuse.Owner{Uid: a.UID, Gid: a.GID},
	}
}

func typeBits(m fs.FileMode) uint32 {
	switch {
	case m.IsDir():
		return syscall.S_IFDIR
	case m&fs.ModeSymlink != 0:
		return syscall.S_IFLNK
	}
	return syscall.S_IFREG
}

func (f *rawFS) fillEntry(n fsview.Node, a *fsview.Attr, out *fuse.EntryOut) {
	out.NodeId = uint64(n)
	fillAttr(a, &out.Attr)
	out.SetEntryTimeout(f.keep(a))
	out.SetAttrTimeout(f.keep(a))
}

func (f *rawFS) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	n, err := f.tree.Lookup(fsview.Node(h.NodeId), name)
	if err != nil {
		if s := status(err); s != fuse.ENOENT {
			return s
		}
		// Node 0 lets the kernel remember that there is no such name.
		out.SetEntryTimeout(f.keepName(h.NodeId, name))
		return fuse.OK
	}
	a, err := f.tree.Attr(n)
	if err != nil {
		return status(err)
	}
	f.fillEntry(n, &a, out)
	switch {
	case n.Passing():
		out.SetEntryTimeout(0)
	case fsview.IsAlias(n, name):
		out.SetEntryTimeout(f.keepName(h.NodeId, name))
	}
	if index, ok := n.Index(); ok && f.live {
		f.told.add(h.NodeId, span{index, index})
	}
	return fuse.OK
}

func (f *rawFS) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	a, err := f.tree.Attr(fsview.Node(in.NodeId))
	if err != nil {
		return stale(err)
	}
	fillAttr(&a, &out.Attr)
	out.SetTimeout(f.keep(&a))
	return fuse.OK
}

// Read gives all that was asked for or an error: the kernel would take a short
// answer for zeros up to the size it knows.
func (f *rawFS) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	n, err := f.tree.ReadAt(fsview.Node(in.NodeId), buf[:min(len(buf), int(in.Size))], int64(in.Offset))
	if s := stale(err); !s.Ok() {
		return nil, s
	}
	if in.Offset == 0 {
		f.ahead.saw(fsview.Node(in.NodeId))
	}
	return fuse.ReadResultData(buf[:n]), fuse.OK
}

func (f *rawFS) Readlink(_ <-chan struct{}, h *fuse.InHeader) ([]byte, fuse.Status) {
	target, err := f.tree.Readlink(fsview.Node(h.NodeId))
	return []byte(target), stale(err)
}

// Offsets 1 and 2 stand behind "." and "..", the tree's cookies after them.
const cookieBase = 2

func dots(out *fuse.DirEntryList, node, offset uint64, add func(fuse.DirEntry) bool) (after uint64, more bool) {
	for ; offset < cookieBase; offset++ {
		name := ".."[:offset+1]
		if !add(fuse.DirEntry{Name: name, Ino: node, Mode: syscall.S_IFDIR, Off: offset + 1}) {
			return 0, false
		}
	}
	return offset - cookieBase, true
}

func dirEntry(d *fsview.Dirent) fuse.DirEntry {
	e := fuse.DirEntry{Name: d.Name, Mode: typeBits(d.Type), Off: d.Cookie + cookieBase}
	if d.Attr != nil {
		e.Ino = d.Attr.Inode
	}
	return e
}

func (f *rawFS) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	after, more := dots(out, in.NodeId, in.Offset, out.AddDirEntry)
	if !more {
		return fuse.OK
	}
	err := f.tree.List(fsview.Node(in.NodeId), after, func(d fsview.Dirent) bool {
		return out.AddDirEntry(dirEntry(&d))
	})
	if f.live {
		f.told.add(in.NodeId, span{})
	}
	return status(err)
}

func (f *rawFS) ReadDirPlus(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	// An entry with node id 0 tells the kernel the name only.
	nameOnly := func(e fuse.DirEntry) bool { return out.AddDirLookupEntry(e) != nil }
	after, more := dots(out, in.NodeId, in.Offset, nameOnly)
	if !more {
		return fuse.OK
	}
	var entries span
	err := f.tree.List(fsview.Node(in.NodeId), after, func(d fsview.Dirent) bool {
		entry := out.AddDirLookupEntry(dirEntry(&d))
		if entry == nil {
			return false
		}
		if d.Attr != nil {
			f.fillEntry(d.Node, d.Attr, entry)
			if index, ok := d.Node.Index(); ok {
				if entries.first == 0 {
					entries.first = index
				}
				entries.last = index // names come in order
			}
		}
		return true
	})
	if f.live {
		f.told.add(in.NodeId, entries)
	}
	return status(err)
}

func (f *rawFS) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	bytes, entries := f.tree.Usage()
	const block = 4096
	*out = fuse.StatfsOut{Bsize: block, Frsize: block, Blocks: uint64(bytes+block-1) / block,
		Files: uint64(entries), NameLen: 255}
	return fuse.OK
}

// These two would be answered OK by default, which makes the kernel ask again
// for every file.

func (f *rawFS) Open(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status { return fuse.ENOSYS }

func (f *rawFS) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.ENOSYS }
