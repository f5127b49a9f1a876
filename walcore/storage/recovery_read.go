package storage

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
)

// What the directory's log is, and what goes, is for the reader to say: what it
// shows is never lost. Here it gets the storage's own files to read.

// planRecovery decides what the directory's log is. It changes nothing, and fails
// with ErrDamaged where anything would be lost that was acknowledged or can be read.
func (s *DiskStorage) planRecovery(files dirFiles) (*dgraph.Recovery, error) {
	if !files.meta && len(files.logs) == 0 {
		return &dgraph.Recovery{}, nil // a new log
	}
	dir := &readDir{files: map[string]dgraph.File{}}
	if files.meta {
		dir.files[format.MetaName] = s.meta.f
	}
	if s.keys.raw != nil {
		dir.files[format.KeyRegistryName] = registryFile{bytes.NewReader(s.keys.raw)}
		s.keys.raw = nil
	}
	for g := range s.open {
		dir.files[g.name] = g.f
	}
	for _, e := range files.list {
		if dir.files[e.Name()] != nil {
			dir.list = append(dir.list, e)
		}
	}
	r, err := dgraph.ReadDirectory(dir, s.path, dgraph.ReaderOptions{Key: s.opts.Key, Plain: s.opts.Plain})
	if err = cmp.Or(dir.err, err); err != nil {
		return nil, err
	}
	for _, f := range r.Files() {
		l := f.Source.(*dgraph.LogFile)
		if l.Len() == 0 || f.Attr.Size < format.PayloadAt {
			continue
		}
		if err := s.keys.check(l.Header, s.opts.Plain); err != nil {
			return nil, keyErr(l, err)
		}
	}
	plan, err := r.Recovery()
	if dir.err != nil { // it was taken for damage
		return nil, dir.err
	}
	return plan, err
}

// keyErr is an error with a file's data key.
func keyErr(l *dgraph.LogFile, err error) error {
	return walcore.FileError(l.Name, err).At(format.KeyHeaderAt)
}

// readDir is the files that the storage has opened or read.
type readDir struct {
	list  []fs.DirEntry
	files map[string]dgraph.File
	mu    sync.Mutex
	err   error // of the first call that failed
}

// note keeps the error of a call. Files are read at the same time.
func (d *readDir) note(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = cmp.Or(d.err, err)
}

func (d *readDir) List() ([]fs.DirEntry, error) { return d.list, nil }

func (d *readDir) Open(name string) (dgraph.File, error) { return &readFile{d, d.files[name]}, nil }

// readFile is a file that takes note when reading it fails.
type readFile struct {
	dir *readDir
	f   dgraph.File
}

func (f *readFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.f.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		f.dir.note(err)
	}
	return n, err
}

func (f *readFile) Size() (int64, error) {
	size, err := f.f.Size()
	f.dir.note(err)
	return size, err
}

// registryFile is a KEYREGISTRY that was read already.
type registryFile struct{ *bytes.Reader }

func (f registryFile) Size() (int64, error) { return f.Reader.Size(), nil }
