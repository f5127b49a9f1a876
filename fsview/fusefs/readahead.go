//go:build linux

package fusefs

import (
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// readAhead puts the bytes of entries that will be read next into the kernel's
// page cache, so that a walk over many small files sends one READ for hundreds
// of them. The kernel reads ahead in a file, never from one file to the next.
//
// Files of one kind that follow one another have node ids that do. Two READs in
// a row start it; each READ that comes where the last window ended doubles the
// window.
//
// One worker stores. A store waits for the page that a READ of the same file
// holds, and a READ never waits for the worker: when it is busy, the window is
// dropped. So they cannot wait for one another.
type readAhead struct {
	tree  fsview.View
	store func(node uint64, off int64, data []byte) fuse.Status

	windows chan window
	stop    chan struct{}

	mu     sync.Mutex  // protects what follows
	last   fsview.Node // the last file of which a READ came
	pushed fsview.Node // the last file that the worker has stored
	length int         // of the next window, in files
}

type window struct {
	from   fsview.Node
	length int
}

const (
	minWindow      = 16
	maxWindow      = 512
	maxWindowBytes = 1 << 20
	// A larger file's own READ costs less than its share of the window.
	maxStored = 64 << 10
)

func newReadAhead(tree fsview.View, store func(uint64, int64, []byte) fuse.Status) *readAhead {
	a := &readAhead{tree: tree, store: store, windows: make(chan window, 1), stop: make(chan struct{}), length: minWindow}
	go a.work()
	return a
}

// saw takes note of a READ at a file's beginning.
func (a *readAhead) saw(n fsview.Node) {
	if !a.tree.ReadsAhead(n) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	next, after := n == a.last+1, n == a.pushed+1
	a.last = n
	switch {
	case after:
		a.length = min(2*a.length, maxWindow)
	case next && n > a.pushed:
		a.length = minWindow
	default:
		return
	}
	select {
	case a.windows <- window{n + 1, a.length}:
	default: // the worker is behind
	}
}

func (a *readAhead) work() {
	for {
		select {
		case w := <-a.windows:
			a.push(w)
		case <-a.stop:
			return
		}
	}
}

// push stores a window's files, those left out that were read meanwhile. It
// ends early where the sequence ends or the kernel does not know the file.
func (a *readAhead) push(w window) {
	var data []byte
	var cursor fsview.Cursor
	bytes := 0
	for n, end := w.from, w.from+fsview.Node(w.length); n < end && bytes < maxWindowBytes; n++ {
		a.mu.Lock()
		a.pushed = n
		read := a.last
		a.mu.Unlock()
		if n <= read && read < end {
			continue
		}
		var err error
		if data, err = a.tree.AppendEntry(data[:0], n, &cursor); err != nil {
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
