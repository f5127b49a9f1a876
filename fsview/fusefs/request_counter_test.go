//go:build linux

package fusefs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// counter counts the requests that reach a file system, by opcode. Those that
// the kernel sends once a mount, to hear ENOSYS, are among them.
type counter struct {
	fuse.RawFileSystem
	mu sync.Mutex
	n  map[string]int // guarded by mu
}

func newCounter(raw fuse.RawFileSystem) *counter {
	return &counter{RawFileSystem: raw, n: map[string]int{}}
}

func (c *counter) count(op string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[op]++
}

// take gives the counts since it was last called.
func (c *counter) take() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n
	c.n = map[string]int{}
	return n
}

type counts map[string]int

// others is the number of requests that are not of the kinds named.
func (c counts) others(ops ...string) (n int) {
	for op, k := range c {
		if !slices.Contains(ops, op) {
			n += k
		}
	}
	return n
}

func (c counts) String() string {
	var s []string
	for _, op := range slices.Sorted(maps.Keys(c)) {
		s = append(s, fmt.Sprintf("%s %d", op, c[op]))
	}
	return strings.Join(s, ", ")
}

func (c *counter) Lookup(cancel <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	c.count("LOOKUP")
	return c.RawFileSystem.Lookup(cancel, h, name, out)
}

func (c *counter) GetAttr(cancel <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	c.count("GETATTR")
	return c.RawFileSystem.GetAttr(cancel, in, out)
}

func (c *counter) Statx(cancel <-chan struct{}, in *fuse.StatxIn, out *fuse.StatxOut) fuse.Status {
	c.count("STATX")
	return c.RawFileSystem.Statx(cancel, in, out)
}

func (c *counter) Access(cancel <-chan struct{}, in *fuse.AccessIn) fuse.Status {
	c.count("ACCESS")
	return c.RawFileSystem.Access(cancel, in)
}

func (c *counter) GetXAttr(cancel <-chan struct{}, h *fuse.InHeader, attr string, dest []byte) (uint32, fuse.Status) {
	c.count("GETXATTR")
	return c.RawFileSystem.GetXAttr(cancel, h, attr, dest)
}

func (c *counter) ListXAttr(cancel <-chan struct{}, h *fuse.InHeader, dest []byte) (uint32, fuse.Status) {
	c.count("LISTXATTR")
	return c.RawFileSystem.ListXAttr(cancel, h, dest)
}

func (c *counter) Readlink(cancel <-chan struct{}, h *fuse.InHeader) ([]byte, fuse.Status) {
	c.count("READLINK")
	return c.RawFileSystem.Readlink(cancel, h)
}

func (c *counter) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	c.count("OPEN")
	return c.RawFileSystem.Open(cancel, in, out)
}

func (c *counter) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	c.count("READ")
	return c.RawFileSystem.Read(cancel, in, buf)
}

func (c *counter) Lseek(cancel <-chan struct{}, in *fuse.LseekIn, out *fuse.LseekOut) fuse.Status {
	c.count("LSEEK")
	return c.RawFileSystem.Lseek(cancel, in, out)
}

func (c *counter) Flush(cancel <-chan struct{}, in *fuse.FlushIn) fuse.Status {
	c.count("FLUSH")
	return c.RawFileSystem.Flush(cancel, in)
}

func (c *counter) Release(cancel <-chan struct{}, in *fuse.ReleaseIn) {
	c.count("RELEASE")
	c.RawFileSystem.Release(cancel, in)
}

func (c *counter) OpenDir(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	c.count("OPENDIR")
	return c.RawFileSystem.OpenDir(cancel, in, out)
}

func (c *counter) ReadDir(cancel <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	c.count("READDIR")
	return c.RawFileSystem.ReadDir(cancel, in, out)
}

func (c *counter) ReadDirPlus(cancel <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	c.count("READDIRPLUS")
	return c.RawFileSystem.ReadDirPlus(cancel, in, out)
}

func (c *counter) ReleaseDir(in *fuse.ReleaseIn) {
	c.count("RELEASEDIR")
	c.RawFileSystem.ReleaseDir(in)
}

func (c *counter) StatFs(cancel <-chan struct{}, h *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	c.count("STATFS")
	return c.RawFileSystem.StatFs(cancel, h, out)
}
