package dgraph

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/platform"
)

// memory is a directory in memory, of which each call can fail.
type memory struct {
	attr  walcore.Attr
	files map[string]*memoryFile
	open  int // what has been opened and not closed
	mu    sync.Mutex
	calls int // so far
	// fail gives a call's error. A read that fails with io.EOF has read half.
	fail func(call int, read bool) error
}

type memoryFile struct {
	attr  walcore.Attr
	bytes []byte // the first ones; all others are 0
	read  int    // how many bytes were read
}

var errDisk = errors.New("the disk fails")

// take makes memory hold what a directory holds now. Files stay what they are, as
// their inodes tell. Payloads end below 2 MiB.
func (m *memory) take(t *testing.T, path string) {
	t.Helper()
	dir, err := openDirectory(path)
	fixture.Must(t, err)
	defer dir.Close()
	m.attr, err = dir.Stat()
	fixture.Must(t, err)
	m.attr.Ctime = m.attr.Ctime.Add(-time.Minute) // nothing has changed this moment
	byInode := map[uint64]*memoryFile{}
	for _, f := range m.files {
		byInode[f.attr.Inode] = f
	}
	m.files = map[string]*memoryFile{}
	list, err := dir.List()
	fixture.Must(t, err)
	for _, e := range list {
		attr, err := dir.StatIn(e.Name())
		fixture.Must(t, err)
		f := byInode[attr.Inode]
		if f == nil {
			f = &memoryFile{}
		}
		from, err := os.Open(filepath.Join(path, e.Name()))
		fixture.Must(t, err)
		f.attr = attr
		f.bytes, err = io.ReadAll(io.LimitReader(from, 2<<20))
		fixture.Must(t, err)
		from.Close()
		m.files[e.Name()] = f
	}
}

// call counts a call and says how it fails.
func (m *memory) call(read bool) error {
	m.mu.Lock() // files are read at the same time
	defer m.mu.Unlock()
	m.calls++
	if m.fail == nil {
		return nil
	}
	return m.fail(m.calls, read)
}

func (m *memory) Close() error                     { m.open--; return m.call(false) }
func (m *memory) Stat() (walcore.Attr, error)      { return m.attr, m.call(false) }
func (m *memory) StatAgain() (walcore.Attr, error) { return m.attr, m.call(false) }

func (m *memory) OpenAgain() (directory, error) {
	if err := m.call(false); err != nil {
		return nil, err
	}
	m.open++
	return m, nil
}

func (m *memory) FileSystem() (platform.FileSystem, error) {
	return platform.FileSystem{}, m.call(false)
}

func (m *memory) List() ([]fs.DirEntry, error) {
	var list []fs.DirEntry
	for name := range m.files {
		list = append(list, memoryName(name))
	}
	return list, m.call(false)
}

func (m *memory) StatIn(name string) (walcore.Attr, error) {
	if err := m.call(false); err != nil {
		return walcore.Attr{}, err
	}
	if f := m.files[name]; f != nil {
		return f.attr, nil
	}
	return walcore.Attr{}, fs.ErrNotExist
}

func (m *memory) Open(name string) (file, error) {
	if err := m.call(false); err != nil {
		return nil, err
	}
	f := m.files[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	m.open++
	return &openMemory{memoryFile: f, in: m}, nil
}

// openMemory is a file in memory that was opened.
type openMemory struct {
	*memoryFile
	in     *memory
	closed bool
}

func (f *openMemory) Stat() (walcore.Attr, error) { return f.attr, f.in.call(false) }

func (f *openMemory) Close() error {
	if f.closed {
		return fs.ErrClosed
	}
	f.closed = true
	f.in.open--
	return f.in.call(false)
}

func (f *openMemory) ReadAt(p []byte, off int64) (int, error) {
	if f.closed {
		return 0, fs.ErrClosed
	}
	err := f.in.call(true)
	f.in.mu.Lock()
	f.read += len(p)
	f.in.mu.Unlock()
	if errors.Is(err, io.EOF) {
		p = p[:len(p)/2]
	} else if err != nil {
		return 0, err
	}
	n := int(min(int64(len(p)), max(f.attr.Size-off, 0)))
	clear(p[:n])
	if off < int64(len(f.bytes)) {
		copy(p[:n], f.bytes[off:])
	}
	if n < len(p) {
		err = io.EOF
	}
	return n, err
}

// memoryName is a regular file's in a list.
type memoryName string

func (n memoryName) Name() string               { return string(n) }
func (n memoryName) IsDir() bool                { return false }
func (n memoryName) Type() fs.FileMode          { return 0 }
func (n memoryName) Info() (fs.FileInfo, error) { return nil, fs.ErrInvalid }
