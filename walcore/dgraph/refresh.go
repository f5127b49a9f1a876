package dgraph

import (
	"fmt"
	"slices"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// Refresh gives a reader of what the directory holds now: r itself if nothing
// has changed, which costs a handful of system calls. A new reader shares r's
// files; those it does not need are closed, so that what r has listed there
// fails with an error when it is read. Only the newest reader is to be closed.
//
// Refresh fails where the directory is gone or cannot be read any more; r goes
// on as it is.
func (r *Reader) Refresh() (walcore.Follower, error) {
	next, err := r.refresh()
	if err != nil {
		return nil, err
	}
	return next, nil
}

func (r *Reader) refresh() (*Reader, error) {
	now, err := r.dir.StatAgain()
	if err != nil {
		return nil, err
	}
	if !now.Same(r.attr) {
		dir, err := r.dir.OpenAgain()
		if err != nil {
			return nil, fmt.Errorf("the directory was replaced: %w", err)
		}
		next, err := openReader(dir, r.path, r.opts)
		if err != nil {
			return nil, fmt.Errorf("the directory was replaced: %w", err)
		}
		r.Close() // of files that were only read; next is what counts
		return next, nil
	}
	if !r.changed(now) {
		return r, nil
	}
	next := &Reader{path: r.path, opts: r.opts, dir: r.dir}
	if err := next.load(r); err != nil {
		next.closeBut(r)
		return nil, err
	}
	r.closeBut(next)
	return next, nil
}

// recently is longer than file systems take to tell two times apart: a folder
// that was changed so shortly before it was listed may have changed since.
const recently = 20 * time.Millisecond

func (r *Reader) changed(dir walcore.Attr) bool {
	if !r.unfinished.IsZero() || dir.Ctime != r.attr.Ctime || r.listed.Sub(r.attr.Ctime) < recently {
		return true
	}
	if disk, err := r.dir.FileSystem(); err != nil || disk != r.disk {
		return true
	}
	if r.metaFile != nil {
		if same, err := r.meta.Same(r.metaFile.f); err != nil || !same {
			return true
		}
	}
	for _, l := range r.log.files {
		if l.sized.Load() && l.emptiedDuringRead {
			return true
		}
	}
	for _, n := range r.native {
		id, isLog := format.ParseFileName(n.Name)
		if !isLog {
			continue
		}
		// A time that has changed while the slots have not: somebody other
		// than a node is at work, or the kernel has written back a mapping.
		attr, err := n.f.Stat()
		if err != nil || attr.Size != n.Attr.Size || !attr.Mtime.Equal(n.Attr.Mtime) {
			return true
		}
		if l := r.logFile(n); id >= r.newest && (l == nil || !l.endsTheSameIn(n.f)) {
			return true
		}
	}
	return false
}

// closeBut closes the files that other does not share.
func (r *Reader) closeBut(other *Reader) {
	for _, n := range r.native {
		if !slices.ContainsFunc(other.native, func(o *nativeFile) bool { return o.f == n.f }) {
			n.f.Close()
		}
	}
}
