//go:build linux

package fusefs

import (
	"slices"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// readAhead puts the bytes of entries that will be read next into the kernel's page
// cache, so that a walk over many small files sends one READ for hundreds of them. The
// kernel itself reads ahead in a file, never from one file to the next.
//
// Entries that follow one another in a term and a log file have nodes that do, and so
// have their texts in decoded/. READs of neighbours are a walk. What comes next is stored
// in batches:
//
//	READ READ | head stored stored … | head stored stored … |
//
// The server hears nothing of a file that is stored. So each batch has a head, a file that
// is left out: its READ says that the reader has come there. Then the next batch is
// stored, while the reader goes through this one. If the reader is the faster one, it gets
// to the head of a batch that is not complete, and that READ waits. So the reader never
// overtakes the worker. If it did, worker and reader would be at the same file for good,
// with a READ and a store for each.
//
// A store waits in the kernel for a READ of the same file, and a READ waits for stores. No
// two can wait for each other: a READ does not wait if its own file is being stored (see
// wait), and a file whose READ waits is not stored (see storeBatch). So each READ that a
// store may wait for is answered at once. Nobody waits with the lock held, and few READs
// wait at a time, so that the server is never short of those that answer.
type readAhead struct {
	entries entryReader
	store   func(node uint64, off int64, data []byte) fuse.Status
	stop    chan struct{} // closed with stopped

	mu      sync.Mutex // protects what follows, and each walk
	stopped bool
	orders  sync.Cond     // a batch was ordered
	done    sync.Cond     // a batch was stored or given up, or a walk forgotten
	walks   []*walk       // the one that was read last is the last
	waiting []fsview.Node // whose READs wait for a batch
	storing [workers]fsview.Node
}

// entryReader is what is needed of an fsview.View.
type entryReader interface {
	CanReadAhead(fsview.Node) bool
	AppendEntry(dst []byte, n fsview.Node, most int64, c *fsview.Cursor) ([]byte, error)
}

// walk is a row of nodes that somebody reads.
type walk struct {
	last  fsview.Node // of which a READ came; of all those, the furthest
	inRow int         // READs up to last, each of the file behind the one before
	need  int         // so many in a row and something is stored
	// next is the file that is stored next. 0: nothing is.
	next    fsview.Node
	heads   []fsview.Node // that the reader has not come to
	size    int           // of the next batch, in bytes
	ordered int           // batches that are not begun
	busy    bool          // one is begun
	stored  int           // batches, complete or given up
	// atEnd says that there is nothing to store at next, until the reader has come there.
	atEnd bool
}

const (
	maxWalks   = 8
	workers    = maxWalks
	maxWaiting = 2 * maxWalks

	page     = 4096
	minBatch = 8 * page // what a small file takes in the cache is a page
	maxBatch = 512 * page
	// lead is how many batches are stored, or ordered, beyond the one that is being read.
	lead = 1
	// maxLead bounds it in files. There may be thousands that have no bytes to store.
	maxLead = 4096
	// A larger file is not stored: its own READ costs less than its share of a batch.
	maxStored = 64 << 10

	// near is how far READs of one walk may be out of order: a program can read with
	// several threads.
	near = 8
	// leftOut is how many files are not stored where the reader has caught up: one for
	// each of some threads.
	leftOut = 3
	// minNeed and maxNeed bound how many READs in a row it takes. It is more if the kernel
	// takes nothing: it takes only files that somebody has listed.
	minNeed = 2
	maxNeed = 64
)

func newReadAhead(entries entryReader, store func(uint64, int64, []byte) fuse.Status) *readAhead {
	a := &readAhead{entries: entries, store: store, stop: make(chan struct{})}
	a.orders.L, a.done.L = &a.mu, &a.mu
	for i := range workers {
		go a.work(&a.storing[i])
	}
	return a
}

// close ends it. Nothing waits any longer.
func (a *readAhead) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
	a.orders.Broadcast()
	a.done.Broadcast()
	close(a.stop)
}

// noteRead takes note of a READ at the beginning of a file, before it is answered. If the
// files behind it are being stored, it waits for that.
func (a *readAhead) noteRead(n fsview.Node) {
	if !a.entries.CanReadAhead(n) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.walkOf(n)
	if w.next == 0 {
		if w.goesOn(n) {
			a.order(w, 1)
		}
		return
	}
	a.passed(w, n)
	a.wait(w, n)
}

// walkOf finds the walk that n belongs to, or begins one.
func (a *readAhead) walkOf(n fsview.Node) *walk {
	i := slices.IndexFunc(a.walks, func(w *walk) bool {
		return w.last <= n+near && n <= max(w.last, w.next)+near
	})
	var w *walk
	if i >= 0 {
		w = a.walks[i]
		a.walks = slices.Delete(a.walks, i, i+1)
	} else {
		a.makeRoom()
		w = &walk{need: minNeed}
	}
	a.walks = append(a.walks, w)
	return w
}

// makeRoom forgets a walk if there are many: rather one that has come to nothing yet, so
// that READs here and there end no walk of others.
func (a *readAhead) makeRoom() {
	if len(a.walks) < maxWalks {
		return
	}
	i := max(0, slices.IndexFunc(a.walks, func(w *walk) bool { return w.next == 0 }))
	a.walks[i].ordered = 0
	a.walks = slices.Delete(a.walks, i, i+1)
	a.done.Broadcast()
}

// goesOn takes note of a READ in a walk of which nothing is stored. It reports whether it
// is time to.
func (w *walk) goesOn(n fsview.Node) bool {
	switch {
	case n == w.last+1:
		w.inRow++
	case n > w.last:
		w.inRow = 1
	}
	w.last = max(w.last, n)
	if w.inRow < w.need {
		return false
	}
	// The reader is at the next file before a worker can be.
	w.heads = []fsview.Node{w.last + 1}
	w.next, w.size, w.atEnd = w.last+2, minBatch, false
	return true
}

// passed takes note that the reader is at n, and orders what is to be ahead of it.
func (a *readAhead) passed(w *walk, n fsview.Node) {
	w.last = max(w.last, n)
	if n >= w.next {
		w.next, w.atEnd = n+1, false
	}
	if slices.Contains(a.storing[:], n) {
		// It has caught up with the worker, and must not meet it at the next file again.
		w.next = max(w.next, n+1+leftOut)
	}
	w.heads = slices.DeleteFunc(w.heads, func(head fsview.Node) bool { return head <= n })
	want := lead - len(w.heads)
	if n+1 == w.next && !w.busy {
		want++ // n itself is the head of a batch
	}
	if want > w.ordered && w.next-n < maxLead && !w.atEnd {
		a.order(w, want)
	}
}

func (a *readAhead) order(w *walk, batches int) {
	w.ordered = batches
	a.orders.Signal()
}

// wait waits until the batch that n is the head of is complete.
func (a *readAhead) wait(w *walk, n fsview.Node) {
	atFront := n+1 == w.next && w.ordered > 0
	if len(w.heads) > 0 || !w.busy && !atFront {
		return
	}
	if len(a.waiting) == maxWaiting || slices.Contains(a.storing[:], n) {
		return
	}
	a.waiting = append(a.waiting, n)
	for before := w.stored; w.stored == before && (w.busy || w.ordered > 0) && !a.stopped; {
		a.done.Wait()
	}
	i := slices.Index(a.waiting, n)
	a.waiting = slices.Delete(a.waiting, i, i+1)
}
