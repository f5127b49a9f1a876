//go:build linux

package fusefs

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// work stores batches until it is stopped. storing is what it lets READs know.
func (a *readAhead) work(storing *fsview.Node) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var b buffer
	for !a.stopped {
		w := a.waitingWalk()
		if w == nil {
			a.orders.Wait()
			continue
		}
		w.ordered--
		w.busy = true
		a.storeBatch(w, storing, &b)
		w.busy = false
		w.stored++
		a.done.Broadcast()
	}
}

// waitingWalk is one for which a worker has something to do.
func (a *readAhead) waitingWalk() *walk {
	for _, w := range a.walks {
		if w.ordered > 0 && !w.busy {
			return w
		}
	}
	return nil
}

// buffer is a worker's.
type buffer struct {
	cursor fsview.Cursor
	data   []byte
}

// storeBatch stores a walk's next batch. It ends early if there is no next node in the
// tree, or if the kernel does not know the file.
func (a *readAhead) storeBatch(w *walk, storing *fsview.Node, b *buffer) {
	size := w.size
	w.size = min(4*size, maxBatch)
	headed := w.last+1 == w.next || slices.Contains(w.heads, w.next-1)
	b.cursor.Reset()
	files := 0
	for size > 0 && !a.stopped {
		n := w.next
		a.mu.Unlock()
		var err error
		b.data, err = a.entries.AppendEntry(b.data[:0], n, maxStored, &b.cursor)
		a.mu.Lock()
		if w.next != n {
			continue // the reader is further now
		}
		if errors.Is(err, fs.ErrNotExist) {
			w.end(files)
			return
		}
		size -= max(page, len(b.data))
		switch {
		case err != nil || len(b.data) == 0 || len(b.data) > maxStored || slices.Contains(a.waiting, n):
		case !headed:
			headed = true
			w.heads = append(w.heads, n)
		default:
			*storing = n
			a.mu.Unlock()
			status := a.store(uint64(n), 0, b.data)
			a.mu.Lock()
			*storing = 0
			if status != fuse.OK {
				w.end(files)
				return
			}
			w.need = minNeed
			files++
		}
		w.next = max(w.next, n+1)
	}
}

// end takes note that there is nothing to store at next, and how many files of the batch
// were. The walk goes on when the reader has come there. If there were none, it begins
// anew, after more READs than the last time.
func (w *walk) end(files int) {
	w.ordered, w.atEnd = 0, true
	if files == 0 {
		w.next, w.inRow, w.heads = 0, 0, nil
		w.need = min(2*w.need, maxNeed)
	}
}
