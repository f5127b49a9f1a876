//go:build linux

package fusefs

import (
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// kernel stands for what is on both sides of a readAhead: entries, and a page cache in
// which a file is locked while it is READ or stored. Times are those of synctest: they
// pass only when nothing else can happen, and the same in each run.
type kernel struct {
	ahead *readAhead
	end   func() // ends it
	first fsview.Node
	files int
	size  func(n fsview.Node) int // of a file
	// listed is how many files the kernel knows.
	listed               int
	storeTakes, useTakes time.Duration // by file

	mu     sync.Mutex
	pages  map[fsview.Node]*filePage
	reads  int // READs
	looked int // files that were looked at, to be stored
	tried  int // stores
	bytes  int // stored
	unused int // bytes stored of files that nobody has read since
	most   int // that unused was
}

type filePage struct {
	lock   chan bool // holds one value while it is locked
	filled bool
	used   bool
}

const firstFile = 1 << 40

// newKernel has files of 300 bytes that it knows all.
func newKernel(t *testing.T, files int) *kernel {
	k := &kernel{first: firstFile, files: files, listed: files, size: func(fsview.Node) int { return 300 },
		pages: map[fsview.Node]*filePage{}}
	k.ahead = newReadAhead(k, k.store)
	k.end = sync.OnceFunc(k.ahead.close)
	t.Cleanup(func() {
		k.end()
		time.Sleep(2 * time.Hour) // until the last store is through
	})
	return k
}

func (k *kernel) CanReadAhead(fsview.Node) bool { return true }

func (k *kernel) AppendEntry(dst []byte, n fsview.Node, most int64, _ *fsview.Cursor) ([]byte, error) {
	k.mu.Lock()
	k.looked++
	k.mu.Unlock()
	if n >= k.first+fsview.Node(k.files) {
		return dst, fs.ErrNotExist
	}
	if size := k.size(n); int64(size) <= most {
		dst = append(dst, make([]byte, size)...)
	}
	return dst, nil
}

func (k *kernel) page(n fsview.Node) *filePage {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pages[n] == nil {
		k.pages[n] = &filePage{lock: make(chan bool, 1)}
	}
	return k.pages[n]
}

func (k *kernel) store(node uint64, _ int64, data []byte) fuse.Status {
	n := fsview.Node(node)
	k.mu.Lock()
	k.tried++
	known := n < k.first+fsview.Node(k.listed)
	k.mu.Unlock()
	if !known {
		return fuse.ENOENT
	}
	time.Sleep(k.storeTakes)
	p := k.page(n)
	p.lock <- true
	p.filled = true
	k.mu.Lock()
	k.bytes += len(data)
	if !p.used {
		k.unused += len(data)
		k.most = max(k.most, k.unused)
	}
	k.mu.Unlock()
	<-p.lock
	return fuse.OK
}

// read is what a program does with one file.
func (k *kernel) read(n fsview.Node) {
	p := k.page(n)
	p.lock <- true
	k.mu.Lock()
	if p.filled && !p.used {
		k.unused -= k.size(n)
	}
	p.used = true
	if !p.filled {
		k.reads++
	}
	k.mu.Unlock()
	if !p.filled && k.size(n) > 0 {
		k.ahead.noteRead(n)
	}
	p.filled = true
	<-p.lock
	time.Sleep(k.useTakes)
}

func (k *kernel) readAll() {
	for i := range k.files {
		k.read(k.first + fsview.Node(i))
	}
}

func (k *kernel) expectReads(t *testing.T, most int) {
	t.Helper()
	if k.reads > most {
		t.Errorf("%d READs of %d files, want %d at most", k.reads, k.files, most)
	}
}
