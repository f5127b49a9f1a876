//go:build linux

package fusefs

import (
	"errors"
	"io"
	"io/fs"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// status turns an error of the tree into an errno. Whatever is not plainly a wrong path
// is EIO: there is something, and it cannot be read.
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

// openNodeStatus is status for a node that was there when its name was looked up. If it is
// not there now, the name leads to another one. ESTALE says so: where a program has given
// a path, the kernel looks it up anew.
func openNodeStatus(err error) fuse.Status {
	if s := status(err); s != fuse.ENOENT {
		return s
	}
	return fuse.Status(syscall.ESTALE)
}
