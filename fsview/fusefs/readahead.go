//go:build linux

package fusefs

import (
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// readAhead puts the bytes of entries that will be read next into the kernel's page
// cache, so that a walk over many small files sends one READ for hundreds of them. The
// kernel itself reads ahead in a file, never from one file to the next.
//
// Entries that follow one another in a term and a log file have nodes that do, and so
// have their texts in decoded/. A window is a row of such nodes. When two READs in a row
// are of neighbours, the window after them is stored. When a READ comes of the file
// behind the last window, the walk goes on, and the next window is twice as long.
//
// One worker stores. A store waits for the page that a READ of the same file holds, and
// no READ waits for the worker: if it is busy, the window is dropped. So neither can
// wait for the other.
type readAhead struct {
	tree  fsview.View
	store func(node uint64, off int64, data []byte) fuse.Status

	windows chan window
	stop    chan struct{}

	mu         sync.Mutex  // protects what follows
	lastRead   fsview.Node // of which a READ came
	lastStored fsview.Node // at which the worker is, or was
	length     int         // of the next window, in files
}

type window struct {
	from   fsview.Node
	length int
}

const (
	minWindow      = 16
	maxWindow      = 512
	maxWindowBytes = 1 << 20
	// A larger file is not stored: its own READ costs less than its share of the window.
	maxStored = 64 << 10
)

func newReadAhead(tree fsview.View, store func(uint64, int64, []byte) fuse.Status) *readAhead {
	a := &readAhead{tree: tree, store: store, windows: make(chan window, 1), stop: make(chan struct{}), length: minWindow}
	go a.work()
	return a
}

// noteRead takes note of a READ at the beginning of a file.
func (a *readAhead) noteRead(n fsview.Node) {
	if !a.tree.CanReadAhead(n) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	isNext, isBehindWindow := n == a.lastRead+1, n == a.lastStored+1
	a.lastRead = n
	switch {
	case isBehindWindow:
		a.length = min(2*a.length, maxWindow)
	case isNext && n > a.lastStored:
		a.length = minWindow
	default:
		return
	}
	select {
	case a.windows <- window{n + 1, a.length}:
	default: // the worker is busy
	}
}

func (a *readAhead) work() {
	for {
		select {
		case w := <-a.windows:
			a.storeWindow(w)
		case <-a.stop:
			return
		}
	}
}

// storeWindow stores a window's files, but for those that are read meanwhile. It ends
// early if there is no next node in the tree, or if the kernel does not know the file.
func (a *readAhead) storeWindow(w window) {
	var data []byte
	var cursor fsview.Cursor
	bytes := 0
	for n, end := w.from, w.from+fsview.Node(w.length); n < end && bytes < maxWindowBytes; n++ {
		a.mu.Lock()
		a.lastStored = n
		read := a.lastRead
		a.mu.Unlock()
		if n <= read && read < end {
			continue
		}
		var err error
		if data, err = a.tree.AppendEntry(data[:0], n, maxStored, &cursor); err != nil {
			return
		}
		if len(data) == 0 || len(data) > maxStored {
			continue
		}
		if a.store(uint64(n), 0, data) != fuse.OK {
			return
		}
		bytes += len(data)
	}
}
