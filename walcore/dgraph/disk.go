package dgraph

import (
	"github.com/walfs/walfs/walcore"
	"golang.org/x/sys/unix"
)

// disk is the state of the file system that a directory is on, as far as it
// keeps a node from writing.
type disk struct{ readOnly, full bool }

func diskOf(path string) (disk, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(path, &st)
		if err == nil {
			return disk{readOnly: st.Flags&unix.ST_RDONLY != 0, full: st.Blocks > 0 && st.Bavail == 0}, nil
		}
		if err != unix.EINTR {
			return disk{}, err
		}
	}
}

// checkDisk reports what keeps a node from writing. That is news to those who
// follow a directory; one at rest may well be on a read-only file system.
func (r *Reader) checkDisk(before *Reader) error {
	var err error
	if r.disk, err = diskOf(r.Path); err != nil {
		return err
	}
	if before == nil {
		r.wasReadOnly = r.disk.readOnly
		r.disk.full = false // the next look tells
		return nil
	}
	r.wasReadOnly = before.wasReadOnly
	if r.disk.readOnly && !r.wasReadOnly {
		r.problem(".", walcore.KindFileSystem, "the file system has become read-only: the node can write nothing")
	}
	if r.disk.full {
		r.problem(".", walcore.KindFileSystem, "the file system is full: the node cannot write much more, if anything")
	}
	return nil
}
