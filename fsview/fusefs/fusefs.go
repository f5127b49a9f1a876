//go:build linux

package fusefs

import (
	"io/fs"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// forever is how long the kernel may cache what cannot change.
const forever = 365 * 24 * time.Hour

// untilInvalidated is how long it may cache what is invalidated when it changes. If ever
// a notification were missing, it would see the change by then. Tests set it to forever,
// so that a missing one fails them.
var untilInvalidated = time.Second

type rawFS struct {
	fuse.RawFileSystem
	tree   fsview.View
	live   bool // the tree changes
	ahead  *readAhead
	open   openFolders
	texts  *textStore
	cached cachedNames // if live
	server notifier
	// followed is closed when nobody looks at a live directory any more.
	followed chan struct{}
	asked    atomic.Uint64 // how many requests have come, see Mounted.Requests
}

// New makes the FUSE file system of a tree. A Live is followed from Init on.
func New(tree fsview.View) fuse.RawFileSystem {
	_, live := tree.(*fsview.Live)
	return &rawFS{RawFileSystem: fuse.NewDefaultRawFileSystem(), tree: tree, live: live, open: newOpenFolders(),
		cached: newCachedNames(), followed: make(chan struct{})}
}

func (f *rawFS) String() string { return Name }

// Init is called once, before the first request.
func (f *rawFS) Init(s *fuse.Server) {
	f.server = s
	f.ahead = newReadAhead(f.tree, s.InodeNotifyStoreCache)
	f.texts = newTextStore(f.tree, f.ahead.stop, s.InodeNotifyStoreCache)
	if live, ok := f.tree.(*fsview.Live); ok {
		go f.follow(live, s)
	} else {
		close(f.followed)
	}
}

func (f *rawFS) OnUnmount() { f.ahead.close() }

// timeout is how long the kernel may cache what a says. Where nothing is known to be committed,
// that is longer than a walk over many entries takes between two looks at one of them.
func (f *rawFS) timeout(a *fsview.Attr) time.Duration {
	switch {
	case !f.live || a.Committed:
		return forever
	case a.CommitUnknown:
		return 60 * untilInvalidated
	}
	return untilInvalidated
}

// unlistedTimeout is how long the kernel may cache a name that no list has.
func (f *rawFS) unlistedTimeout(folder uint64, name string) time.Duration {
	if !f.live {
		return forever
	}
	return f.cached.addUnlisted(folder, name)
}

func fillAttr(a *fsview.Attr, out *fuse.Attr) {
	sec, nsec := uint64(a.Mtime.Unix()), uint32(a.Mtime.Nanosecond())
	*out = fuse.Attr{
		Ino: a.Inode, Size: uint64(a.Size), Blocks: uint64(a.Blocks), Blksize: blockSize(a.Mode),
		Atime: sec, Mtime: sec, Ctime: sec, Atimensec: nsec, Mtimensec: nsec, Ctimensec: nsec,
		Mode: uint32(a.Mode.Perm()) | typeBits(a.Mode), Nlink: a.Links,
		Owner: fuse.Owner{Uid: a.UID, Gid: a.GID},
	}
}

// blockSize is what programs are told to read at once. That of a folder is opendir(3)'s
// buffer, and so, from Linux 6.13 on, the length of a list's answers.
func blockSize(m fs.FileMode) uint32 {
	if m.IsDir() {
		return maxAnswer
	}
	return 4096
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
	out.SetEntryTimeout(f.timeout(a))
	out.SetAttrTimeout(f.timeout(a))
}

func (f *rawFS) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	f.asked.Add(1)
	if f.open.noteLookup(h.NodeId) {
		// The kernel may wait meanwhile, so that no request can.
		go f.server.InodeNotify(h.NodeId, 0, 0)
	}
	n, err := f.tree.Lookup(fsview.Node(h.NodeId), name)
	if err != nil {
		if s := status(err); s != fuse.ENOENT {
			return s
		}
		// OK with node 0 lets the kernel remember that there is no such name.
		out.SetEntryTimeout(f.unlistedTimeout(h.NodeId, name))
		return fuse.OK
	}
	a, err := f.tree.Attr(n)
	if err != nil {
		return status(err)
	}
	f.fillEntry(n, &a, out)
	switch {
	case n.Transient():
		out.SetEntryTimeout(0)
	case fsview.IsShortName(n, name):
		out.SetEntryTimeout(f.unlistedTimeout(h.NodeId, name))
	}
	if index, ok := n.Index(); ok && f.live {
		f.cached.add(h.NodeId, indexRange{index, index})
	}
	return fuse.OK
}

func (f *rawFS) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	f.asked.Add(1)
	a, err := f.tree.Attr(fsview.Node(in.NodeId))
	if err != nil {
		return openNodeStatus(err)
	}
	fillAttr(&a, &out.Attr)
	out.SetTimeout(f.timeout(&a))
	return fuse.OK
}

// Read gives all that was asked for or an error. If it gave less, the kernel would fill
// the rest, up to the size that it knows, with zeros.
func (f *rawFS) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	f.asked.Add(1)
	if in.Offset == 0 {
		f.ahead.noteRead(fsview.Node(in.NodeId))
	}
	n, err := f.tree.ReadAt(fsview.Node(in.NodeId), buf[:min(len(buf), int(in.Size))], int64(in.Offset))
	if s := openNodeStatus(err); !s.Ok() {
		return nil, s
	}
	f.texts.noteRead(fsview.Node(in.NodeId), int64(in.Offset), n)
	return fuse.ReadResultData(buf[:n]), fuse.OK
}

func (f *rawFS) Readlink(_ <-chan struct{}, h *fuse.InHeader) ([]byte, fuse.Status) {
	f.asked.Add(1)
	target, err := f.tree.Readlink(fsview.Node(h.NodeId))
	return []byte(target), openNodeStatus(err)
}

func (f *rawFS) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	bytes, entries := f.tree.Usage()
	const block = 4096
	*out = fuse.StatfsOut{Bsize: block, Frsize: block, Blocks: uint64(bytes+block-1) / block,
		Files: uint64(entries), NameLen: 255}
	return fuse.OK
}

// Open and Flush would be answered OK by default, and the kernel would ask for every file.

func (f *rawFS) Open(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status { return fuse.ENOSYS }

func (f *rawFS) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.ENOSYS }
