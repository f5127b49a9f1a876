//go:build linux

package fusefs

import (
	"context"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/walfs/walfs/fsview"
)

// notifier is what a server has to invalidate what the kernel has cached.
type notifier interface {
	InodeNotify(node uint64, off, length int64) fuse.Status
	EntryNotify(parent uint64, name string) fuse.Status
}

// follow invalidates what has changed, in batches, from the one goroutine that looks at
// the directory. It holds no lock meanwhile: the kernel may wait for a request that is
// being answered.
func (f *rawFS) follow(live *fsview.Live, server notifier) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-f.ahead.stop
		cancel()
	}()
	live.Follow(ctx, func(before, after *fsview.Tree, second bool) { f.invalidate(before, after, second, server) })
	close(f.followed)
}

// maxInvalidated is how many names of one folder are invalidated one by one. Each waits
// for the requests in that folder, and thousands would, on a busy mount, take seconds in
// which nothing new is seen. Beyond that the folder's own name is invalidated, and with
// it all below. The kernel then looks the names up once more; what it has cached of the
// files it keeps.
const maxInvalidated = 64

// invalidate has the kernel drop what it may have cached and a change has made wrong.
func (f *rawFS) invalidate(before, after *fsview.Tree, second bool, server notifier) {
	given := f.cached.atChange
	if second {
		given = f.cached.secondTime
	}
	entries, unlisted := given()
	for _, n := range unlisted {
		server.EntryNotify(n.folder, n.name)
	}
	inFolder := map[fsview.Node]int{} // names that were invalidated one by one
	for c := range fsview.Changes(before, after) {
		switch {
		case c.Folder == 0:
			server.InodeNotify(uint64(c.Node), 0, -1)
		case c.Name == "":
			// The list of the folder, and its attributes. Of the folders that there
			// can be thousands of, most have not been looked at.
			if !c.Folder.IsSubfolder() || entries.hasFolder(c.Folder) {
				server.InodeNotify(uint64(c.Folder), 0, 0)
			}
		case c.Index > 0 && !entries.hasIndex(c.Folder, c.Index):
		case inFolder[c.Folder] < maxInvalidated:
			inFolder[c.Folder]++
			server.EntryNotify(uint64(c.Folder), c.Name)
		case inFolder[c.Folder] == maxInvalidated:
			inFolder[c.Folder]++
			parent, name := before.Parent(c.Folder)
			server.EntryNotify(uint64(parent), name)
		}
	}
}
