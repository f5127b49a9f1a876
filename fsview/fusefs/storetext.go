//go:build linux

package fusefs

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// textStore puts long texts of decoded/ into the kernel's page cache. They are made as a
// whole, and there is no room to keep them for each of many readers. So when somebody
// reads one, all that follows is stored at once, while it is in memory. What the kernel
// has, nobody asks for again.
//
// One worker stores. A store waits for pages that are being read, and no READ waits for
// the worker: one of a text that is stored has it from memory, and one of another text
// waits at most until that is made. So neither can wait for the other.
type textStore struct {
	tree  fsview.View
	store func(node uint64, off int64, data []byte) fuse.Status
	reads chan textRead
}

// textRead is a READ of a text at an offset.
type textRead struct {
	node fsview.Node
	off  int64
}

const (
	// fullRead is the least that a READ of a long text asks for, which is not near its end.
	fullRead = 64 << 10
	// waitingReads bounds how many readers' texts wait for the worker.
	waitingReads = 64
)

func newTextStore(tree fsview.View, stop <-chan struct{}, store func(uint64, int64, []byte) fuse.Status) *textStore {
	s := &textStore{tree: tree, store: store, reads: make(chan textRead, waitingReads)}
	go s.work(stop)
	return s
}

// noteRead takes note of a READ that gave so many bytes.
func (s *textStore) noteRead(n fsview.Node, off int64, size int) {
	if size < fullRead || !n.IsDecoded() {
		return
	}
	select {
	case s.reads <- textRead{n, off}:
	default: // the next READ comes soon
	}
}

func (s *textStore) work(stop <-chan struct{}) {
	for {
		select {
		case r := <-s.reads:
			s.tree.StoreText(r.node, r.off, func(off int64, piece []byte) bool {
				return s.store(uint64(r.node), off, piece) == fuse.OK // or the kernel does not know the file
			})
		case <-stop:
			return
		}
	}
}
