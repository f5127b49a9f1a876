package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/walfs/walfs/walcore/platform"
)

// OpenScratch opens a directory of the operating system and changes nothing in it,
// not even an access time where the kernel allows that. What is written stays in
// memory, is read back from there, and is lost when the directory is closed.
func OpenScratch(path string) (Dir, error) {
	f, err := platform.OpenDir(path)
	if err != nil {
		return nil, err
	}
	return &scratchDir{f: f, path: path, files: map[string]*scratchFile{}, gone: map[string]bool{}}, nil
}

type scratchDir struct {
	f    *os.File
	path string

	files map[string]*scratchFile // created, or opened before
	gone  map[string]bool         // names on disk that were removed, renamed or replaced here
}

// List gives what is on disk and was not removed here. Created files are not
// listed: a storage lists the directory once, before it has created anything.
func (d *scratchDir) List() ([]fs.DirEntry, error) {
	all, err := platform.List(d.f)
	if err != nil {
		return nil, err
	}
	var left []fs.DirEntry
	for _, e := range all {
		if !d.gone[e.Name()] {
			left = append(left, e)
		}
	}
	return left, nil
}

func (d *scratchDir) fail(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: filepath.Join(d.path, name), Err: err}
}

// has reports whether a file is there, for the program that writes.
func (d *scratchDir) has(name string) bool {
	if d.files[name] != nil || d.gone[name] {
		return d.files[name] != nil
	}
	_, err := os.Lstat(filepath.Join(d.path, name))
	return err == nil
}

func (d *scratchDir) Create(name string) (File, error) {
	if d.has(name) {
		return nil, d.fail("open", name, fs.ErrExist)
	}
	d.files[name] = &scratchFile{pages: map[int64]*page{}}
	return d.files[name], nil
}

func (d *scratchDir) Open(name string) (File, error) {
	if f := d.files[name]; f != nil {
		return f, nil
	}
	if d.gone[name] {
		return nil, d.fail("open", name, fs.ErrNotExist)
	}
	base, err := platform.OpenIn(d.f, name)
	if err != nil {
		return nil, err
	}
	st, err := base.Stat()
	if err != nil {
		return nil, errors.Join(err, base.Close())
	}
	d.files[name] = &scratchFile{base: base, baseSize: st.Size(), size: st.Size(), pages: map[int64]*page{}}
	return d.files[name], nil
}

func (d *scratchDir) Rename(from, to string) error {
	f, err := d.Open(from)
	if err != nil {
		return err
	}
	d.gone[from], d.gone[to] = true, true
	delete(d.files, from)
	d.files[to] = f.(*scratchFile)
	return nil
}

func (d *scratchDir) Remove(name string) error {
	if !d.has(name) {
		return d.fail("remove", name, fs.ErrNotExist)
	}
	d.gone[name] = true
	delete(d.files, name)
	return nil
}

func (d *scratchDir) Sync() error { return nil }

func (d *scratchDir) Close() error { return d.f.Close() }

const pageSize = 4096

type page [pageSize]byte

// scratchFile is a file on disk with pages in memory over it.
type scratchFile struct {
	base *os.File // nil: the file is not on disk

	mu       sync.RWMutex // protects the rest
	baseSize int64        // how much of base has not been truncated here
	size     int64
	pages    map[int64]*page // by number; each is complete
}

func (f *scratchFile) Size() (int64, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.size, nil
}

// readBase fills p with what the file has where there are no pages: the bytes on
// disk, then zeros.
func (f *scratchFile) readBase(p []byte, off int64) error {
	n := max(0, min(int64(len(p)), f.baseSize-off))
	clear(p[n:])
	if n == 0 {
		return nil
	}
	_, err := f.base.ReadAt(p[:n], off)
	return err
}

func (f *scratchFile) ReadAt(p []byte, off int64) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	n := int(max(0, min(int64(len(p)), f.size-off)))
	if err := f.readBase(p[:n], off); err != nil {
		return 0, err
	}
	for at := off; at < off+int64(n); at += pageSize - at%pageSize {
		if pg := f.pages[at/pageSize]; pg != nil {
			copy(p[at-off:n], pg[at%pageSize:])
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *scratchFile) WriteAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n := 0; n < len(p); {
		at := off + int64(n)
		pg := f.pages[at/pageSize]
		if pg == nil {
			pg = new(page)
			if err := f.readBase(pg[:], at-at%pageSize); err != nil {
				return n, err
			}
			f.pages[at/pageSize] = pg
		}
		n += copy(pg[at%pageSize:], p[n:])
	}
	f.size = max(f.size, off+int64(len(p)))
	return len(p), nil
}

func (f *scratchFile) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, pg := range f.pages {
		if cut := size - k*pageSize; cut <= 0 {
			delete(f.pages, k)
		} else if cut < pageSize {
			clear(pg[cut:])
		}
	}
	f.size, f.baseSize = size, min(f.baseSize, size)
	return nil
}

// Allocate does nothing: this does not find out whether the disk has room.
func (f *scratchFile) Allocate(off, n int64) error { return nil }

func (f *scratchFile) Map(int64) []byte { return nil }

func (f *scratchFile) NextData(off int64) (from, to int64, found bool, err error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.base != nil && off < f.baseSize {
		if from, to, found, err = platform.NextData(f.base, off); err != nil {
			return 0, 0, false, err
		}
		to = min(to, f.baseSize)
		found = found && from < to
	}
	for k := range f.pages {
		a, b := max(k*pageSize, off), min((k+1)*pageSize, f.size)
		if a < b && (!found || a < from) {
			from, to, found = a, b, true
		}
	}
	return from, to, found, nil
}

func (f *scratchFile) Sync() error { return nil }

func (f *scratchFile) Close() error {
	if f.base == nil {
		return nil
	}
	return f.base.Close()
}
