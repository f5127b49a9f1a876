//go:build linux

package fusefs

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// xattrPrefix begins the names of all extended attributes.
const xattrPrefix = "user.raft."

// With Options.XAttrs, the properties of an entry are extended attributes of its file.
// Without it, the kernel is answered ENOSYS once and never asks again.

func (f *rawFS) GetXAttr(_ <-chan struct{}, h *fuse.InHeader, name string, dest []byte) (uint32, fuse.Status) {
	f.asked.Add(1)
	list, err := f.tree.Properties(fsview.Node(h.NodeId))
	if err != nil {
		return 0, status(err)
	}
	for _, p := range list {
		if xattrPrefix+p.Name == name {
			return xattrAnswer(dest, []byte(p.Value))
		}
	}
	return 0, fuse.ENODATA
}

func (f *rawFS) ListXAttr(_ <-chan struct{}, h *fuse.InHeader, dest []byte) (uint32, fuse.Status) {
	f.asked.Add(1)
	list, err := f.tree.Properties(fsview.Node(h.NodeId))
	if err != nil {
		return 0, status(err)
	}
	var names []byte
	for _, p := range list {
		names = append(names, xattrPrefix+p.Name+"\x00"...)
	}
	return xattrAnswer(dest, names)
}

// xattrAnswer copies b to dest. An empty dest asks for the size only.
func xattrAnswer(dest, b []byte) (uint32, fuse.Status) {
	if len(dest) > 0 && len(b) > len(dest) {
		return 0, fuse.ERANGE
	}
	copy(dest, b)
	return uint32(len(b)), fuse.OK
}
