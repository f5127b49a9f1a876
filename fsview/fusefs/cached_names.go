package fusefs

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// told is what the kernel may have cached, as far as it matters for taking it
// back: a notification is a system call, and most of a log nobody looks at.
type told struct {
	mu sync.Mutex // protects what follows
	// entries bounds, for each folder that was listed or looked into, the
	// indexes of entries whose names were told; recent does so for what was told since the last change, and
	// earlier between the two last.
	entries, recent, earlier map[uint64]span
	// names are those that a folder's list does not have: short ones, and
	// names of nothing. taken are those that the last pass took back.
	names, taken map[place]struct{}
}

// span is a range of indexes; its zero value is an empty one.
type span struct{ first, last uint64 }

type place struct {
	folder uint64
	name   string
}

const (
	// maxNames bounds the names that a kernel may keep beside the lists' own.
	maxNames = 4096
	// maxFolders bounds the folders that are told apart; the others are as one.
	maxFolders  = 4096
	manyFolders = 0
)

func newTold() told {
	return told{entries: map[uint64]span{}, recent: map[uint64]span{}, earlier: map[uint64]span{},
		names: map[place]struct{}{}}
}

// add takes note of the names of entries in a folder, or that it was listed.
func (t *told) add(folder uint64, s span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	widen(t.entries, folder, s)
	widen(t.recent, folder, s)
}

func widen(spans map[uint64]span, folder uint64, s span) {
	old, known := spans[folder]
	if !known && len(spans) >= maxFolders {
		folder = manyFolders
		old, known = spans[folder]
	}
	switch {
	case !known || old.last == 0:
	case s.last == 0:
		s = old
	default:
		s = span{min(s.first, old.first), max(s.last, old.last)}
	}
	spans[folder] = s
}

func covers(spans map[uint64]span, folder, index uint64) bool {
	for _, f := range [...]uint64{folder, manyFolders} {
		if s := spans[f]; s.first <= index && index <= s.last {
			return true
		}
	}
	return false
}

// has reports whether anything of a folder was told.
func has(spans map[uint64]span, folder fsview.Node) bool {
	_, known := spans[uint64(folder)]
	_, many := spans[manyFolders]
	return known || many
}

// take gives what may have to be taken back at a change; again, what an answer
// from before the change may have told since.
func (t *told) take(again bool) (entries map[uint64]span, names []place) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if again {
		entries = t.earlier
		for folder, s := range t.recent {
			widen(entries, folder, s)
		}
		t.earlier = map[uint64]span{}
	} else {
		entries = maps.Clone(t.entries)
		t.earlier, t.recent = t.recent, map[uint64]span{}
	}
	for _, of := range []map[place]struct{}{t.names, t.taken} {
		names = slices.AppendSeq(names, maps.Keys(of))
	}
	t.taken, t.names = t.names, map[place]struct{}{}
	return entries, names
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
	live.Follow(ctx, func(before, after *fsview.Tree, again bool) { f.takeBack(before, after, again, server) })
	close(f.followed)
}

func (f *rawFS) takeBack(before, after *fsview.Tree, again bool, server notifier) {
	entries, names := f.told.take(again)
	for _, p := range names {
		server.EntryNotify(p.folder, p.name)
	}
	dropped := map[fsview.Node]int{}
	for c := range fsview.Changes(before, after) {
		listed := has(entries, c.Folder)
		switch {
		case c.Folder == 0:
			server.InodeNotify(uint64(c.Node), 0, -1)
		case c.Name == "" && (listed || !c.Folder.OneOfMany()):
			// The list that the kernel has kept, and the folder's time.
			server.InodeNotify(uint64(c.Folder), 0, 0)
		case c.Name == "" || c.Index > 0 && !covers(entries, uint64(c.Folder), c.Index):
		case dropped[c.Folder] < maxDropped:
			dropped[c.Folder]++
			server.EntryNotify(uint64(c.Folder), c.Name)
		case dropped[c.Folder] == maxDropped:
			dropped[c.Folder]++
			parent, name := before.Where(c.Folder)
			server.EntryNotify(uint64(parent), name)
		}
	}
}

// maxDropped is how many names of one folder are taken back one by one: each
// waits for the requests in that folder, and thousands would, on a busy mount,
// take seconds in which nothing new is seen. Beyond that the folder's own name
// is taken back, and with it all below. The kernel then asks for the names that
// are left once more; what it knows of the files it keeps.
const maxDropped = 64
