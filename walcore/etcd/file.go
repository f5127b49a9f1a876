package etcd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// openFile is one of the directory's own files. It stays open, so that what a node deletes
// can be read until the directory is looked at again.
type openFile struct {
	f    *os.File
	attr walcore.Attr // as it was when it was opened
}

func (o *openFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := o.f.ReadAt(p, off)
	if errors.Is(err, fs.ErrClosed) {
		err = errDeleted
	}
	return n, err
}

// stat gives the attributes as they are now.
func (o *openFile) stat() (walcore.Attr, error) {
	a, err := platform.Stat(o.f)
	if errors.Is(err, fs.ErrClosed) {
		err = errDeleted
	}
	return a, err
}

var errDeleted = fmt.Errorf("it was deleted: %w", walcore.ErrChanged)

func openIn(dir *os.File, name string) (*openFile, error) {
	f, err := platform.OpenIn(dir, name)
	if err != nil {
		return nil, platform.NameOpenLimit(err)
	}
	attr, err := platform.Stat(f)
	if err == nil && !attr.Regular {
		err = fmt.Errorf("is no regular file any more: %w", walcore.ErrChanged)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &openFile{f, attr}, nil
}

// isStill reports whether attributes are of the same file. A file system gives an inode
// again when its file is deleted; then the files were created at different times, where it
// keeps those. Where it does not, Born is Mtime.
func (o *openFile) isStill(a walcore.Attr) bool {
	b := o.attr
	keepsNone := a.Born.Equal(a.Mtime) && b.Born.Equal(b.Mtime)
	return a.Same(b) && (keepsNone || a.Born.Equal(b.Born))
}

// blocks are what files are read into.
var blocks = sync.Pool{New: func() any {
	b := make([]byte, blockSize)
	return &b
}}

// blockSize is how much is read at once. It stays in a processor's cache until it is summed.
const blockSize = 128 << 10

// readFull fills p from r at off. It fails with ErrChanged if the file ends before that: its
// size was known before.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the file now ends at %d: %w", off+int64(n), walcore.ErrChanged)
	}
	return err
}
