package hashicorp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// openFile is a file that is open until no newer log has it.
type openFile struct {
	*os.File
	attr walcore.Attr // as it was opened
	// stale says that bytes were found to be others than those that were listed: what is
	// known of the file is then read again.
	stale atomic.Bool
}

// ReadAt reads as io.ReaderAt says. It fails with walcore.ErrChanged once the file is closed.
func (f *openFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	if errors.Is(err, fs.ErrClosed) {
		err = errDeleted
	}
	return n, err
}

// errDeleted: the file is in no newer log.
var errDeleted = fmt.Errorf("it was deleted: %w", walcore.ErrChanged)

// Stat gives the attributes as they are now.
func (f *openFile) Stat() (walcore.Attr, error) { return platform.Stat(f.File) }

// openFiles are a log's open files, by name from the directory on.
type openFiles struct {
	dir      *os.File
	names    map[string]*openFile
	previous map[string]*openFile // of the log before
	stale    map[*openFile]bool   // of previous: what is known of it is read again
}

// takeMarks takes the marks of stale files. They are put back if what they ask for is not done.
func (o *openFiles) takeMarks() (putBack func()) {
	o.stale = map[*openFile]bool{}
	for _, f := range o.previous {
		o.stale[f] = f.stale.Swap(false)
	}
	return func() {
		for f, stale := range o.stale {
			if stale {
				f.stale.Store(true)
			}
		}
	}
}

// open opens a file, or gives the one of the log before if it is the same.
func (o *openFiles) open(name string) (*openFile, error) {
	if f := o.names[name]; f != nil {
		return f, nil
	}
	if f := o.previous[name]; f != nil {
		if attr, err := platform.StatIn(o.dir, filepath.FromSlash(name)); err == nil && sameFile(attr, f.attr) {
			o.names[name] = f
			return f, nil
		}
	}
	file, err := platform.OpenIn(o.dir, filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	f := &openFile{File: file}
	if f.attr, err = f.Stat(); err == nil && !f.attr.Regular {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("is no regular file")}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	o.names[name] = f
	return f, nil
}

// closeBut closes the files that others do not have.
func (o *openFiles) closeBut(others map[string]*openFile) (err error) {
	for name, f := range o.names {
		if others[name] != f {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// sameFile reports whether two attributes are of the same file. A file system gives an inode
// again when its file is deleted; then the files were created at different times, where it
// keeps those.
func sameFile(a, b walcore.Attr) bool {
	keepsNone := a.Born.Equal(a.Mtime) && b.Born.Equal(b.Mtime)
	return a.Same(b) && (keepsNone || a.Born.Equal(b.Born))
}

// nativeFile is one of the directory's own files, as it was when it was listed. It is open
// only while it is read.
type nativeFile struct {
	Name string // from the directory on, with forward slashes
	Attr walcore.Attr
	dir  *os.File
}

// ReadAt fails with walcore.ErrChanged where the file is another one or shorter now.
func (n *nativeFile) ReadAt(p []byte, off int64) (int, error) {
	err := n.read(func(f *os.File) error { return readFull(f, p, off) })
	if err != nil {
		return 0, walcore.FileError(n.Name, err).At(uint64(off))
	}
	return len(p), nil
}

// read opens the file and gives it to use.
func (n *nativeFile) read(use func(f *os.File) error) error {
	f, err := platform.OpenIn(n.dir, filepath.FromSlash(n.Name))
	if err != nil {
		// Of a directory that was replaced none is there.
		if _, closed := n.dir.Stat(); errors.Is(err, fs.ErrNotExist) || errors.Is(closed, fs.ErrClosed) {
			err = errDeleted
		}
		return err
	}
	defer f.Close()
	if attr, err := platform.Stat(f); err != nil || !sameFile(attr, n.Attr) {
		return errors.Join(err, fmt.Errorf("another file has its name: %w", walcore.ErrChanged))
	}
	return use(f)
}

// all reads the whole file, of up to most bytes.
func (n *nativeFile) all(most int64) (b []byte, err error) {
	if n.Attr.Size > most {
		return nil, fmt.Errorf("%s has %d bytes: %w", n.Name, n.Attr.Size, walcore.ErrDamaged)
	}
	b = make([]byte, n.Attr.Size)
	_, err = n.ReadAt(b, 0)
	return b, err
}

// stream gives the bytes of the whole file to use, in order.
func (n *nativeFile) stream(use io.Writer) error {
	return n.read(func(f *os.File) error {
		_, err := io.CopyBuffer(use, struct{ io.Reader }{io.NewSectionReader(f, 0, n.Attr.Size)}, make([]byte, chunkSize))
		return err
	})
}

// listing is what is in a directory.
type listing struct {
	native  []*nativeFile // by name
	folders map[string]walcore.Attr
	other   []string // what is no regular file
	going   bool     // a snapshot's folder was gone, or empty, when it was looked at
}

// list lists the regular files in a directory, in the segments' folder, and in snapshots/.
func list(dir *os.File, found Found) (l listing, err error) {
	l.folders = map[string]walcore.Attr{}
	subs, err := l.add(dir, "", found.Path)
	if err != nil {
		return l, err
	}
	for _, sub := range subs {
		if sub != found.Folder && sub != snapshotsName {
			l.other = append(l.other, sub)
			continue
		}
		below, err := l.add(dir, sub, found.Path)
		if err != nil {
			return l, err
		}
		for _, folder := range below {
			files := len(l.native)
			if sub != snapshotsName || strings.HasSuffix(folder, unfinished) {
				l.other = append(l.other, folder)
			} else if deep, err := l.add(dir, folder, found.Path); err != nil {
				return l, err
			} else {
				l.other = append(l.other, deep...)
				l.going = l.going || len(l.native) == files
			}
		}
	}
	slices.SortFunc(l.native, func(a, b *nativeFile) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(l.other)
	return l, nil
}

// add lists a folder, and gives the folders that are in it.
func (l *listing) add(dir *os.File, folder, root string) (folders []string, err error) {
	opened := dir
	if folder != "" {
		if opened, err = platform.OpenDir(filepath.Join(root, filepath.FromSlash(folder))); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				err = nil // since its name was read
			}
			return nil, err
		}
		defer opened.Close()
	}
	if l.folders[folder], err = platform.Stat(opened); err != nil {
		return nil, err
	}
	entries, err := platform.List(opened)
	if folder != "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it was removed since it was opened
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		switch {
		case e.IsDir():
			folders = append(folders, name)
		case e.Type().IsRegular():
			attr, err := platform.StatIn(dir, filepath.FromSlash(name))
			if err == nil && attr.Regular {
				l.native = append(l.native, &nativeFile{name, attr, dir})
			}
		case e.Type()&fs.ModeSymlink != 0 && (name == walFolder || name == snapshotsName):
			folders = append(folders, name)
		default:
			l.other = append(l.other, name)
		}
	}
	slices.Sort(folders)
	return folders, nil
}
