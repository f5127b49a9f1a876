//go:build linux

package fusefs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// An offset says after which name a list goes on. Offsets 1 and 2 are those of "." and
// ".."; a name of the tree has its cookie plus firstOffset.
const firstOffset = 2

// addDots adds "." and "..", if the list does not go on after them. It returns the
// cookie after which the tree's names follow, if there is room for any.
func addDots(node, offset uint64, add func(fuse.DirEntry) bool) (after uint64, more bool) {
	for ; offset < firstOffset; offset++ {
		name := ".."[:offset+1]
		if !add(fuse.DirEntry{Name: name, Ino: node, Mode: syscall.S_IFDIR, Off: offset + 1}) {
			return 0, false
		}
	}
	return offset - firstOffset, true
}

func dirEntry(d *fsview.Dirent) fuse.DirEntry {
	e := fuse.DirEntry{Name: d.Name, Mode: typeBits(d.Type), Off: d.Cookie + firstOffset}
	if d.Attr != nil {
		e.Ino = d.Attr.Inode
	}
	return e
}

func (f *rawFS) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	f.asked.Add(1)
	after, more := addDots(in.NodeId, in.Offset, out.AddDirEntry)
	if !more {
		return fuse.OK
	}
	err := f.tree.List(fsview.Node(in.NodeId), after, func(d fsview.Dirent) bool {
		return out.AddDirEntry(dirEntry(&d))
	})
	if f.live {
		f.cached.add(in.NodeId, indexRange{})
	}
	return status(err)
}

func (f *rawFS) ReadDirPlus(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	f.asked.Add(1)
	l := f.open.begin(in.Fh)
	if l == nil {
		return fuse.EBADF
	}
	defer l.mu.Unlock()
	// Of an entry with node 0 the kernel takes the name only.
	nameOnly := func(e fuse.DirEntry) bool { return out.AddDirLookupEntry(e) != nil }
	after, more := addDots(in.NodeId, in.Offset, nameOnly)
	if !more {
		return fuse.OK
	}
	var entries indexRange
	err := f.tree.List(fsview.Node(in.NodeId), after, func(d fsview.Dirent) bool {
		entry := out.AddDirLookupEntry(dirEntry(&d))
		if entry == nil {
			return false
		}
		if d.Attr != nil && l.takesAttributes(in.Pid) {
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
		f.cached.add(in.NodeId, entries)
	}
	return status(err)
}

func (f *rawFS) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	f.asked.Add(1)
	handle, keep := f.open.open(in.NodeId, in.Pid)
	out.Fh, out.OpenFlags = handle, fuse.FOPEN_CACHE_DIR
	if keep {
		out.OpenFlags |= fuse.FOPEN_KEEP_CACHE
	}
	return fuse.OK
}

func (f *rawFS) ReleaseDir(in *fuse.ReleaseIn) { f.open.close(in.NodeId, in.Fh) }
