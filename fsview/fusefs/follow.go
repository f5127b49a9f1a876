package fusefs

import (
	"context"
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// told is what the kernel may have cached, as far as it matters for taking it
// back.
type told struct {
	mu sync.Mutex // protects what follows
	// first and last bound the indexes of entries whose names were told.
	first, last uint64
	// names are those that a folder's list does not have: short ones, and
	// names of nothing.
	names map[place]struct{}
}

type place struct {
	folder uint64
	name   string
}

// maxNames bounds the names that a kernel may keep beside the lists' own.
const maxNames = 4096

func (t *told) index(n fsview.Node) {
	index, ok := n.Index()
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == 0 {
		t.first = index
	}
	t.first, t.last = min(t.first, index), max(t.last, index)
}

// keepName says how long the kernel may keep a name that no list has.
func (f *rawFS) keepName(folder uint64, name string) time.Duration {
	if !f.live {
		return forever
	}
	f.told.mu.Lock()
	defer f.told.mu.Unlock()
	if len(f.told.names) >= maxNames {
		return 0
	}
	if f.told.names == nil {
		f.told.names = map[place]struct{}{}
	}
	f.told.names[place{folder, name}] = struct{}{}
	return aWhile
}

// notifier is what a server offers to take back what the kernel has cached.
type notifier interface {
	InodeNotify(node uint64, off, length int64) fuse.Status
	EntryNotify(parent uint64, name string) fuse.Status
}

// follow takes back what has changed, in batches, from the one goroutine that
// looks at the directory. It holds no lock meanwhile: the kernel may wait for a
// page whose READ is being answered.
func (f *rawFS) follow(live *fsview.Live, server notifier) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-f.ahead.stop
		cancel()
	}()
	live.Follow(ctx, func(before, after *fsview.Tree) { f.takeBack(before, after, server) })
	close(f.followed)
}

func (f *rawFS) takeBack(before, after *fsview.Tree, server notifier) {
	f.told.mu.Lock()
	names := f.told.names
	f.told.names = nil
	first, last := f.told.first, f.told.last
	f.told.mu.Unlock()
	for p := range names {
		server.EntryNotify(p.folder, p.name)
	}
	for c := range fsview.Changes(before, after) {
		switch {
		case c.Index > 0 && (c.Index < first || c.Index > last):
		case c.Folder == 0:
			server.InodeNotify(uint64(c.Node), 0, -1)
		case c.Name != "":
			server.EntryNotify(uint64(c.Folder), c.Name)
		default:
			// The list that the kernel has kept, and the folder's time.
			server.InodeNotify(uint64(c.Folder), 0, 0)
		}
	}
}
