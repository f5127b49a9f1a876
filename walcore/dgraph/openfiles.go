package dgraph

import (
	"cmp"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// OpenFiles opens a directory of which there are only the files, as in a tar archive or
// an image. name is what errors call it. It fails as OpenReader does. The files must not
// change, and to close them is up to who opened them.
func OpenFiles(name string, files []walcore.NativeFile, opts ReaderOptions) (*Reader, error) {
	d := fileList(slices.Clone(files))
	for i := range d {
		d[i].Attr.Inode = cmp.Or(d[i].Attr.Inode, uint64(i+1))
		d[i].Attr.Regular = true
	}
	return openReader(d, name, opts)
}

// fileList is a directory that is only a list of files.
type fileList []walcore.NativeFile

func (d fileList) Close() error                             { return nil }
func (d fileList) Stat() (walcore.Attr, error)              { return walcore.Attr{}, nil }
func (d fileList) StatAgain() (walcore.Attr, error)         { return walcore.Attr{}, nil }
func (d fileList) OpenAgain() (directory, error)            { return d, nil }
func (d fileList) FileSystem() (platform.FileSystem, error) { return platform.FileSystem{}, nil }

func (d fileList) List() (entries []fs.DirEntry, err error) {
	for _, f := range d {
		entries = append(entries, listed{f})
	}
	return entries, nil
}

func (d fileList) find(name string) (walcore.NativeFile, error) {
	i := slices.IndexFunc(d, func(f walcore.NativeFile) bool { return f.Name == name })
	if i < 0 {
		return walcore.NativeFile{}, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return d[i], nil
}

func (d fileList) Open(name string) (file, error) {
	f, err := d.find(name)
	if err != nil {
		return nil, err
	}
	return &listedFile{f.ReaderAt, f.Attr}, nil
}

func (d fileList) StatIn(name string) (walcore.Attr, error) {
	f, err := d.find(name)
	return f.Attr, err
}

// listedFile is an open file of a fileList.
type listedFile struct {
	io.ReaderAt
	attr walcore.Attr
}

func (f *listedFile) Close() error                { return nil }
func (f *listedFile) Stat() (walcore.Attr, error) { return f.attr, nil }

// listed is a name in a fileList.
type listed struct{ walcore.NativeFile }

func (l listed) Name() string               { return l.NativeFile.Name }
func (l listed) IsDir() bool                { return false }
func (l listed) Type() fs.FileMode          { return 0 }
func (l listed) Info() (fs.FileInfo, error) { return l, nil }
func (l listed) Size() int64                { return l.Attr.Size }
func (l listed) Mode() fs.FileMode          { return l.Attr.Mode }
func (l listed) ModTime() time.Time         { return l.Attr.Mtime }
func (l listed) Sys() any                   { return nil }
