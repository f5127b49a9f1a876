package dgraph

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// follower is what the readers of a directory have in common, one after the other.
// It owns the directory and the newest reader.
type follower struct {
	path  string
	opts  ReaderOptions
	alone bool // nobody writes to the directory: what was read once is so

	mu      sync.Mutex // protects what follows
	dir     directory
	current *Reader
	// startedReadOnly says that the file system was read-only from the beginning,
	// which is no news.
	startedReadOnly bool
}

// start reads the directory for the first time. On failure it closes it.
func (f *follower) start() error {
	first := reading{Reader: &Reader{follower: f}}
	if err := f.load(&first); err != nil {
		first.closeFiles(nil)
		f.dir.Close()
		return err
	}
	f.current, f.startedReadOnly = first.Reader, first.disk.ReadOnly
	return nil
}

// load reads the directory. It fails if any file could not be opened because too many
// are: what is in it is not known then, and need not be damaged.
func (f *follower) load(r *reading) error {
	r.starved = starvedIn(f.dir)
	if err := r.load(); err != nil {
		return err
	}
	if starved := starvedIn(f.dir); starved != r.starved {
		return starved
	}
	return nil
}

func (f *follower) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.current.closeFiles(nil), f.dir.Close())
}

// closeFiles closes the reader's files but those that others have too.
func (r *Reader) closeFiles(others []*nativeFile) (err error) {
	for _, n := range r.native {
		if o := findNative(others, n.Name); o == nil || o.f != n.f {
			err = errors.Join(err, n.f.Close())
		}
	}
	return err
}

// Refresh gives a reader of what the directory holds now: the newest one if nothing
// has changed since, which costs a handful of system calls. A new reader shares the
// files of the one before; those that it does not need are closed, so that what was
// listed there fails with an error when it is read. To close any reader closes all.
//
// Refresh fails where the directory is gone or cannot be read any more; the reader
// goes on as it is.
func (r *Reader) Refresh() (walcore.Follower, error) {
	next, err := r.refresh()
	if err != nil {
		return nil, err
	}
	return next, nil
}

func (r *Reader) refresh() (*Reader, error) {
	f := r.follower
	f.mu.Lock()
	defer f.mu.Unlock()
	now, err := f.dir.StatAgain()
	if err != nil {
		return nil, err
	}
	if !now.Same(f.current.attr) {
		if err := f.startAgain(); err != nil {
			return nil, fmt.Errorf("the directory was replaced: %w", err)
		}
		return f.current, nil
	}
	if !f.changed(now) {
		return f.current, nil
	}
	next := reading{Reader: &Reader{follower: f}, previous: f.current.asPrevious()}
	if err := f.load(&next); err != nil {
		next.closeFiles(f.current.native) // they were only read
		return nil, err
	}
	f.current.closeFiles(next.native)
	f.current = next.Reader
	return f.current, nil
}

// startAgain begins anew with another directory that has taken the place of the
// one that was followed.
func (f *follower) startAgain() error {
	dir, current := f.dir, f.current
	var err error
	if f.dir, err = dir.OpenAgain(); err == nil {
		err = f.start()
	}
	if err != nil {
		f.dir = dir
		return err
	}
	current.closeFiles(nil) // they were only read
	dir.Close()
	return nil
}

// timeResolution is more than the distance of two times that a file system can tell
// apart: a folder that was changed so shortly before it was listed may have changed
// again, with the same time.
const timeResolution = 20 * time.Millisecond

// changed reports whether anything may have changed since the directory was last
// read. dir is its attributes now.
func (f *follower) changed(dir walcore.Attr) bool {
	r := f.current
	if !r.settlingSince.IsZero() || starvedIn(f.dir) != r.starved || dir.Ctime != r.attr.Ctime || r.listed.Sub(r.attr.Ctime) < timeResolution {
		return true
	}
	if disk, err := f.dir.FileSystem(); err != nil || disk != r.disk {
		return true
	}
	if r.metaFile != nil {
		if same, err := r.meta.Same(r.metaFile.f); err != nil || !same || r.faultsChanged() {
			return true
		}
	}
	return slices.ContainsFunc(r.files, func(l *LogFile) bool { return l.sized.Load() && l.emptiedDuringRead }) ||
		slices.ContainsFunc(r.native, r.logChanged)
}

// faultsChanged reports whether what is wrong with wal.meta has changed: a snapshot may
// have been half stored when it was read.
func (r *Reader) faultsChanged() bool {
	if len(r.meta.Faults) == 0 {
		return false
	}
	m, err := meta.Read(r.metaFile.f, r.metaFile.Attr.Size)
	return err != nil || !slices.Equal(m.Faults, r.meta.Faults)
}

// logChanged reports whether a file is a log file that has changed since it was
// read. A node changes the newest file's slots and, by that, no time. A time that
// has changed while the slots have not: somebody else is at work, or the kernel has
// written back a mapping.
func (r *Reader) logChanged(n *nativeFile) bool {
	id, isLog := format.ParseFileName(n.Name)
	if !isLog {
		return false
	}
	attr, err := n.f.Stat()
	if err != nil || attr.Size != n.Attr.Size || !attr.Mtime.Equal(n.Attr.Mtime) {
		return true
	}
	if id < r.newest {
		return false
	}
	l := findLogFile(r.files, n.f)
	return l == nil || !l.endsTheSameIn(n.f)
}
