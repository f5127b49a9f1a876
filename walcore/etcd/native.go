package etcd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// nativeFile is one of the directory's own files, as it was when it was listed.
type nativeFile struct {
	name string // relative to the directory, with forward slashes
	attr walcore.Attr
	*openFile
}

// ReadAt reads the file's bytes. It fails with ErrChanged where the file has been cut.
func (n *nativeFile) ReadAt(p []byte, off int64) (int, error) {
	if err := readFull(n.openFile, p, off); err != nil {
		return 0, walcore.FileError(n.name, err).At(uint64(off))
	}
	return len(p), nil
}

// folder is one of the directory's folders that has files of the log.
type folder struct {
	name string // relative to the directory, with forward slashes
	path string
	dir  *os.File
	attr walcore.Attr // when its names were read
}

func openFolder(root, name string) (*folder, error) {
	f := &folder{name: name, path: filepath.Join(root, filepath.FromSlash(name))}
	var err error
	if f.dir, err = platform.OpenDir(f.path); err != nil {
		return nil, platform.NameOpenLimit(err)
	}
	if f.attr, err = platform.Stat(f.dir); err != nil {
		f.dir.Close() // it was only read
		return nil, err
	}
	return f, nil
}

// list opens the files of a folder, or takes them from the look before if they are the same.
// isOf tells names of the log from others.
func (r *Reader) list(f *folder, before []*nativeFile, isOf func(name string) bool) error {
	var err error
	if f.attr, err = platform.Stat(f.dir); err != nil {
		return err
	}
	entries, err := platform.List(f.dir)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		name := path.Join(f.name, e.Name())
		if !isOf(e.Name()) {
			r.meta.Ignored = append(r.meta.Ignored, name)
		} else if !e.Type().IsRegular() {
			r.meta.Ignored = append(r.meta.Ignored, name)
			r.report(name, walcore.KindNotAFile, "is a %s, not a regular file: left alone", platform.TypeName(e.Type()))
		}
		if !e.Type().IsRegular() {
			continue
		}
		if err := r.open(f, e.Name(), name, before); err != nil {
			return err
		}
	}
	return nil
}

// open opens a file. It fails only if too many files are open: what is in the directory is not
// known then.
func (r *Reader) open(f *folder, base, name string, before []*nativeFile) error {
	if old := findNative(before, name); old != nil {
		if attr, err := platform.StatIn(f.dir, base); err == nil && old.isStill(attr) {
			r.native = append(r.native, &nativeFile{name, attr, old.openFile})
			return nil
		}
	}
	o, err := openIn(f.dir, base)
	switch {
	case err == nil:
		r.native = append(r.native, &nativeFile{name, o.attr, o})
	case platform.IsTooManyOpen(err):
		return err
	case errors.Is(err, fs.ErrNotExist): // deleted since it was listed
	default:
		r.cannotRead(name, err)
	}
	return nil
}

// cannotRead reports a file that cannot be opened or read.
func (r *Reader) cannotRead(name string, err error) {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	r.unreadable = append(r.unreadable, name)
	r.report(shortName(name), walcore.KindUnreadable, "cannot be read: %v", err)
}

func findNative(files []*nativeFile, name string) *nativeFile {
	if i := slices.IndexFunc(files, func(n *nativeFile) bool { return n.name == name }); i >= 0 {
		return files[i]
	}
	return nil
}

// shortName is what problems call a file: a segment by its own name, as its entries do.
func shortName(name string) string {
	if base := path.Base(name); isSegment(base) {
		return base
	}
	return name
}

// report adds a problem with a file, or the directory, as a whole.
func (r *Reader) report(file string, kind walcore.Kind, format string, args ...any) {
	r.problems = append(r.problems, walcore.FileProblem(file, kind, fmt.Sprintf(format, args...)))
}
