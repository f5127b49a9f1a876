package fsview

import (
	"io"
	"io/fs"
	"time"

	"github.com/walfs/walfs/walcore"
)

// sectionFile is a section of one of the directory's own files.
type sectionFile struct {
	walcore.Section
	of *walcore.Attr // the file's
}

func (x sectionFile) attr(_ *Tree, n Node) (Attr, error) {
	return fileAttr(n, x.Size, x.of, x.of.Mtime), nil
}

func (x sectionFile) readAt(_ *Tree, p []byte, off int64) (int, error) {
	if off >= x.Size {
		return 0, io.EOF
	}
	var end error
	if int64(len(p)) > x.Size-off {
		p, end = p[:x.Size-off], io.EOF
	}
	if _, err := x.ReadAt(p, off); err != nil {
		return 0, err
	}
	return len(p), end
}

// nativeFile is one of the directory's own files, whole.
type nativeFile struct {
	sectionFile
	written bool // walcore.NativeFile.Written
}

func newNativeFile(f *walcore.NativeFile) nativeFile {
	return nativeFile{sectionFile{walcore.Section{ReaderAt: f, Size: f.Attr.Size}, &f.Attr}, f.Written}
}

func (x nativeFile) attr(t *Tree, n Node) (Attr, error) {
	a, err := x.sectionFile.attr(t, n)
	a.Blocks = x.of.Blocks // the file may be sparse
	return a, err
}

func newestTime(dir *walcore.Attr, native []walcore.NativeFile) time.Time {
	newest := dir.Mtime
	for _, n := range native {
		if n.Attr.Mtime.After(newest) {
			newest = n.Attr.Mtime
		}
	}
	return newest
}

// link is a symbolic link to a name in the same folder.
type link string

func (l link) attr(t *Tree, n Node) (Attr, error) {
	a := fileAttr(n, int64(len(l)), &t.log.Meta().Dir, t.newest)
	a.Mode = fs.ModeSymlink | 0o777
	return a, nil
}
