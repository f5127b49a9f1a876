package crashfs

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"sync"

	"github.com/walfs/walfs/walcore/vfs"
)

// Dir is a directory whose writes are remembered.
type Dir struct {
	vfs.Dir
	block int

	mu      sync.Mutex
	now     map[string]*inode // names as the program sees them
	durable map[string]*inode // names as of the last flush of the directory
	step    func()            // called after each change and each flush
	fail    func(op string) error
}

// inode is a file, whatever its name is.
type inode struct {
	name              string
	size, durableSize int64
	// Blocks by number; one that is not there is all zeros.
	data, durable map[int64][]byte
	order         []int64 // unflushed blocks, oldest first
}

// Wrap gives a Dir that remembers what is done to d from now on. The files that d
// has already count as durable, and are read into memory. block is the size of
// the blocks, in bytes.
func Wrap(d vfs.Dir, block int) (*Dir, error) {
	c := &Dir{Dir: d, block: block, now: map[string]*inode{}}
	list, err := d.List()
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		n, err := c.load(e.Name())
		if err != nil {
			return nil, err
		}
		c.now[e.Name()] = n
	}
	c.durable = maps.Clone(c.now)
	return c, nil
}

func (c *Dir) load(name string) (*inode, error) {
	f, err := c.Dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	n := newInode()
	n.name = name
	if n.size, err = f.Size(); err != nil {
		return nil, err
	}
	n.durableSize = n.size
	for at := int64(0); ; {
		from, to, found, err := f.NextData(at)
		if err != nil {
			return nil, err
		}
		if !found {
			break
		}
		b := make([]byte, to-from)
		if _, err := f.ReadAt(b, from); err != nil {
			return nil, err
		}
		n.write(b, from, c.block)
		at = to
	}
	n.flush()
	return n, nil
}

// OnStep sets what is called after each change and each flush.
func (c *Dir) OnStep(step func()) { c.step = step }

// OnOp sets what is called before each operation that changes or flushes. op is
// "write NAME", for example, or "zero NAME" if only zeros are written. If fail
// returns an error, the operation is not done and fails with it.
func (c *Dir) OnOp(fail func(op string) error) { c.fail = fail }

func (c *Dir) before(op string) error {
	if c.fail == nil {
		return nil
	}
	if err := c.fail(op); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

func (c *Dir) change(f func()) {
	c.mu.Lock()
	f()
	c.mu.Unlock()
	if c.step != nil {
		c.step()
	}
}

func newInode() *inode { return &inode{data: map[int64][]byte{}, durable: map[int64][]byte{}} }

func (n *inode) touch(k int64) {
	for _, o := range n.order {
		if o == k {
			return
		}
	}
	n.order = append(n.order, k)
}

func (n *inode) write(b []byte, off int64, block int) {
	n.size = max(n.size, off+int64(len(b)))
	for len(b) > 0 {
		k, at := off/int64(block), off%int64(block)
		m := min(int64(len(b)), int64(block)-at)
		// Blocks are never changed in place: durable may share them.
		p := make([]byte, block)
		copy(p, n.data[k])
		copy(p[at:], b[:m])
		if !n.holds(k, p) {
			n.data[k] = p
			n.touch(k)
		}
		b, off = b[m:], off+m
	}
}

// holds reports whether block k is p already. Writing it again then makes no new
// state.
func (n *inode) holds(k int64, p []byte) bool {
	if now := n.data[k]; now != nil {
		return bytes.Equal(now, p)
	}
	return allZero(p)
}

func allZero(b []byte) bool { return bytes.Count(b, []byte{0}) == len(b) }

func (n *inode) truncate(size int64, block int) {
	for k, p := range n.data {
		if from := size - k*int64(block); from < int64(block) {
			q := make([]byte, block)
			copy(q, p[:max(from, 0)])
			n.data[k] = q
			n.touch(k)
		}
	}
	n.size = size
}

func (n *inode) flush() {
	n.durable = maps.Clone(n.data)
	n.durableSize = n.size
	n.order = nil
}

func (c *Dir) List() ([]fs.DirEntry, error) { return c.Dir.List() }

func (c *Dir) Create(name string) (vfs.File, error) {
	if err := c.before("create " + name); err != nil {
		return nil, err
	}
	f, err := c.Dir.Create(name)
	if err != nil {
		return nil, err
	}
	n := newInode()
	n.name = name
	c.change(func() { c.now[name] = n })
	return &file{File: f, dir: c, n: n}, nil
}

func (c *Dir) Open(name string) (vfs.File, error) {
	f, err := c.Dir.Open(name)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return &file{File: f, dir: c, n: c.now[name]}, nil
}

func (c *Dir) Rename(from, to string) error {
	if err := c.before("rename " + from); err != nil {
		return err
	}
	if err := c.Dir.Rename(from, to); err != nil {
		return err
	}
	c.change(func() {
		c.now[to] = c.now[from]
		c.now[to].name = to
		delete(c.now, from)
	})
	return nil
}

func (c *Dir) Remove(name string) error {
	if err := c.before("remove " + name); err != nil {
		return err
	}
	if err := c.Dir.Remove(name); err != nil {
		return err
	}
	c.change(func() { delete(c.now, name) })
	return nil
}

// Sync makes the names durable in the states. Until it returns, a power loss can
// still undo them.
func (c *Dir) Sync() error {
	if err := c.before("sync dir"); err != nil {
		return err
	}
	if err := c.Dir.Sync(); err != nil {
		return err
	}
	c.change(func() { c.durable = maps.Clone(c.now) })
	return nil
}

type file struct {
	vfs.File
	dir *Dir
	n   *inode
}

func (f *file) WriteAt(b []byte, off int64) (int, error) {
	op := "write "
	if allZero(b) {
		op = "zero "
	}
	if err := f.dir.before(op + f.n.name); err != nil {
		return 0, err
	}
	k, err := f.File.WriteAt(b, off)
	f.dir.change(func() { f.n.write(b[:k], off, f.dir.block) })
	return k, err
}

func (f *file) Truncate(size int64) error {
	if err := f.dir.before("truncate " + f.n.name); err != nil {
		return err
	}
	if err := f.File.Truncate(size); err != nil {
		return err
	}
	f.dir.change(func() { f.n.truncate(size, f.dir.block) })
	return nil
}

// Allocate reserves nothing: the disk of this package is never full.
func (f *file) Allocate(off, n int64) error { return f.dir.before("allocate " + f.n.name) }

// Map is always nil: what is stored in memory would not be noticed.
func (f *file) Map(int64) []byte { return nil }

func (f *file) Sync() error {
	if err := f.dir.before("sync " + f.n.name); err != nil {
		return err
	}
	f.dir.change(f.n.flush)
	return nil
}
