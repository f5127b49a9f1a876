package dgraph

import (
	"container/list"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// pooledDirectory is a directory whose files a pool may close and open again.
type pooledDirectory struct {
	directory
	pool *filePool
}

func (d pooledDirectory) Open(name string) (file, error) {
	open, err := d.pool.openIn(d.directory, name)
	if err != nil {
		return nil, err
	}
	f := &pooledFile{dir: d, name: name, open: open}
	if f.attr, err = open.Stat(); err != nil {
		d.pool.freePlace()
		return nil, errors.Join(err, open.Close())
	}
	d.pool.add(f)
	return f, nil
}

func (d pooledDirectory) OpenAgain() (directory, error) {
	dir, err := d.directory.OpenAgain()
	if err != nil {
		return nil, err
	}
	return pooledDirectory{dir, d.pool}, nil
}

// starvedIn is the last error of a file of a directory that could not be opened for want
// of descriptors, or nil. It may be one of another directory.
func starvedIn(dir directory) *platform.TooManyOpenError {
	if d, ok := dir.(pooledDirectory); ok {
		return d.pool.starved.Load()
	}
	return nil
}

// pooledFile is a file that is open, or can be opened again.
type pooledFile struct {
	dir  pooledDirectory
	name string
	attr walcore.Attr // as it was first opened

	read  atomic.Bool   // since the pool has last looked
	place *list.Element // in the pool's list; the pool's mu protects it

	// mu is held to read while the file is read, so that no descriptor is closed that
	// somebody uses.
	mu     sync.RWMutex
	open   file // nil: not now
	closed bool // for good
}

func (f *pooledFile) ReadAt(p []byte, off int64) (int, error) {
	f.mu.RLock()
	if f.open != nil {
		defer f.mu.RUnlock()
		if !f.read.Load() { // who reads on several processors shares the word
			f.read.Store(true)
		}
		return f.open.ReadAt(p, off)
	}
	f.mu.RUnlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.openAgain(); err != nil {
		return 0, err
	}
	return f.open.ReadAt(p, off)
}

// openAgain opens the file if it is not open. It fails with ErrChanged if another file
// has its name: that one's bytes are never this one's. f.mu is held.
func (f *pooledFile) openAgain() error {
	if f.closed {
		return fs.ErrClosed
	}
	if f.open != nil {
		return nil
	}
	open, err := f.dir.pool.openIn(f.dir.directory, f.name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("it was deleted: %w", walcore.ErrChanged)
	}
	if err != nil {
		return err
	}
	attr, err := open.Stat()
	if err == nil && !sameFile(attr, f.attr) {
		err = errReplaced
	}
	if err != nil {
		f.dir.pool.freePlace()
		return errors.Join(err, open.Close())
	}
	f.open = open
	f.dir.pool.add(f)
	return nil
}

var errReplaced = fmt.Errorf("another file has its name: %w", walcore.ErrChanged)

// Stat gives the attributes as they are now. It opens nothing.
func (f *pooledFile) Stat() (walcore.Attr, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.closed {
		return walcore.Attr{}, fs.ErrClosed
	}
	if f.open != nil {
		return f.open.Stat()
	}
	attr, err := f.dir.StatIn(f.name)
	if err == nil && !sameFile(attr, f.attr) {
		err = errReplaced
	}
	return attr, err
}

// Close closes the file for good. It waits until those have read who are reading.
func (f *pooledFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	f.closed = true
	return f.closeOpen()
}

// closeForNow closes the file until it is read again.
func (f *pooledFile) closeForNow() {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.closeOpen() // it was only read
}

// closeOpen closes the file if it is open. f.mu is held.
func (f *pooledFile) closeOpen() error {
	if f.open == nil {
		return nil
	}
	err := f.open.Close()
	f.open = nil
	f.dir.pool.remove(f)
	return err
}

// sameFile reports whether two attributes are of the same file. A file system gives an
// inode again when its file is deleted; then the files were created at different times,
// where it keeps those. Where it does not, Born is Mtime, and tells nothing.
func sameFile(a, b walcore.Attr) bool {
	keepsNone := a.Born.Equal(a.Mtime) && b.Born.Equal(b.Mtime)
	return a.Same(b) && (keepsNone || a.Born.Equal(b.Born))
}
