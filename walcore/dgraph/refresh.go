package dgraph

import (
	"errors"
	"fmt"
	"sync"

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
	cache   *tableCache // of lazily read logs; nil: there is none
	readAll bool        // all tables are read: they are not what they were presumed to be
	// startedReadOnly says that the file system was read-only from the beginning,
	// which is no news.
	startedReadOnly bool
	glances         int // how often Glance was called
}

// start reads the directory for the first time. On failure it closes it.
func (f *follower) start() error {
	first := reading{Reader: &Reader{look: look{follower: f}}}
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
	for _, n := range r.native {
		if id, isLog := format.ParseFileName(n.Name); isLog && id+activeFiles > r.newest {
			r.active = append(r.active, n)
		}
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
func (r *Reader) Refresh() (walcore.Follower, error) { return asFollower(r.refresh()) }

// Glance is Refresh for who asks many times a second: see follower.seemsChanged.
func (r *Reader) Glance() (walcore.Follower, error) { return asFollower(r.glance()) }

func asFollower(r *Reader, err error) (walcore.Follower, error) {
	if err != nil {
		return nil, err // not r: a Follower that holds a nil *Reader is not nil
	}
	return r, nil
}

func (r *Reader) refresh() (*Reader, error) { return r.follower.next((*follower).changed) }

func (r *Reader) glance() (*Reader, error) { return r.follower.next((*follower).seemsChanged) }

// next gives a reader of what the directory holds now: a new one if changed says so.
func (f *follower) next(changed func(f *follower, dir walcore.Attr) bool) (*Reader, error) {
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
	if !changed(f, now) {
		return f.current, nil
	}
	f.readAll = f.readAll || f.current.now() != f.current
	next := reading{Reader: &Reader{look: look{follower: f}}, previous: f.current.now().asPrevious()}
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
