package dgraph

import (
	"github.com/walfs/walfs/walcore"
)

// checkDisk reports what keeps a node from writing. That is news to those who
// follow a directory; one at rest may well be on a read-only file system.
func (r *Reader) checkDisk(before *Reader) error {
	var err error
	if r.disk, err = r.dir.FileSystem(); err != nil {
		return err
	}
	if before == nil {
		r.wasReadOnly = r.disk.ReadOnly
		r.disk.Full = false // the next look tells
		return nil
	}
	r.wasReadOnly = before.wasReadOnly
	if r.disk.ReadOnly && !r.wasReadOnly {
		r.problem(".", walcore.KindFileSystem, "the file system has become read-only: the node can write nothing")
	}
	if r.disk.Full {
		r.problem(".", walcore.KindFileSystem, "the file system is full: the node cannot write much more, if anything")
	}
	return nil
}
