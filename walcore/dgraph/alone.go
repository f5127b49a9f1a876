package dgraph

import (
	"errors"
	"io"
	"io/fs"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// Directory is a directory that nobody writes to while it is read: a writer's own,
// before it begins.
type Directory interface {
	List() ([]fs.DirEntry, error)
	Open(name string) (File, error)
}

// File is a file of a Directory, which is read by several goroutines at the same time. Who
// has opened it closes it.
type File interface {
	io.ReaderAt
	Size() (int64, error)
}

// ReadDirectory reads a directory; path is what it is called in messages. All is
// read once, and nothing is waited for. Of a file's attributes the Reader knows
// its size. It cannot be refreshed, and need not be closed.
func ReadDirectory(dir Directory, path string, opts ReaderOptions) (*Reader, error) {
	f := &follower{path: path, opts: opts, dir: aloneDirectory{dir}, alone: true}
	if err := f.start(); err != nil {
		return nil, err
	}
	return f.current, nil
}

// aloneDirectory is a Directory as a Reader wants it.
type aloneDirectory struct{ dir Directory }

var errAlone = errors.New("the directory was given to be read once")

func (d aloneDirectory) List() ([]fs.DirEntry, error) { return d.dir.List() }

func (d aloneDirectory) Open(name string) (file, error) {
	f, err := d.dir.Open(name)
	if err != nil {
		return nil, err
	}
	return &aloneFile{f}, nil
}

func (aloneDirectory) Stat() (walcore.Attr, error)              { return walcore.Attr{}, nil }
func (aloneDirectory) FileSystem() (platform.FileSystem, error) { return platform.FileSystem{}, nil }
func (aloneDirectory) StatIn(string) (walcore.Attr, error)      { return walcore.Attr{}, errAlone }
func (aloneDirectory) StatAgain() (walcore.Attr, error)         { return walcore.Attr{}, errAlone }
func (aloneDirectory) OpenAgain() (directory, error)            { return nil, errAlone }
func (aloneDirectory) Close() error                             { return nil }

type aloneFile struct{ File }

func (f *aloneFile) Stat() (walcore.Attr, error) {
	size, err := f.Size()
	return walcore.Attr{Size: size, Regular: true}, err
}

func (f *aloneFile) Close() error { return nil }
