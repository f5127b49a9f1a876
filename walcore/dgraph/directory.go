package dgraph

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// file is what a Reader needs of a file. Two that were opened are never equal.
type file interface {
	io.ReaderAt
	io.Closer
	Stat() (walcore.Attr, error)
}

// directory is what a Reader needs of an open directory. There is no way to
// write in it. Tests have one in memory, which fails where they want it to.
type directory interface {
	io.Closer
	Stat() (walcore.Attr, error)
	FileSystem() (platform.FileSystem, error)
	// List gives what is in it now, in no order.
	List() ([]fs.DirEntry, error)
	// Open opens a regular file in it, and StatIn gives the attributes of
	// whatever has the name. Both follow no symbolic link.
	Open(name string) (file, error)
	StatIn(name string) (walcore.Attr, error)
	// StatAgain gives the attributes of what its path leads to now, and
	// OpenAgain opens that.
	StatAgain() (walcore.Attr, error)
	OpenAgain() (directory, error)
}

// osDirectory is a directory of the operating system.
type osDirectory struct {
	*os.File
	path string
}

func openDirectory(path string) (directory, error) {
	dir, err := openOSDirectory(path)
	if err != nil {
		return nil, err
	}
	return pooledDirectory{dir, processFiles()}, nil
}

func openOSDirectory(path string) (directory, error) {
	f, err := platform.OpenDir(path)
	if err != nil {
		return nil, err
	}
	return osDirectory{f, path}, nil
}

func (d osDirectory) Stat() (walcore.Attr, error)              { return platform.Stat(d.File) }
func (d osDirectory) FileSystem() (platform.FileSystem, error) { return platform.FileSystemOf(d.File) }
func (d osDirectory) List() ([]fs.DirEntry, error)             { return platform.List(d.File) }
func (d osDirectory) StatIn(name string) (walcore.Attr, error) { return platform.StatIn(d.File, name) }
func (d osDirectory) StatAgain() (walcore.Attr, error)         { return platform.StatPath(d.path) }
func (d osDirectory) OpenAgain() (directory, error)            { return openOSDirectory(d.path) }

func (d osDirectory) Open(name string) (file, error) {
	f, err := platform.OpenIn(d.File, name)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// osFile is a file of the operating system.
type osFile struct{ *os.File }

func (f osFile) Stat() (walcore.Attr, error) { return platform.Stat(f.File) }

// readFull fills p from f at off. It fails with ErrChanged if the file ends
// before that: its size was known before.
func readFull(f io.ReaderAt, p []byte, off int64) error {
	n, err := f.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the file now ends at %d: %w", off+int64(n), walcore.ErrChanged)
	}
	return err
}
