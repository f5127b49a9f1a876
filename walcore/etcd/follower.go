package etcd

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/walfs/walfs/walcore/platform"
)

// follower is what the readers of a directory have in common, one after the other.
type follower struct {
	path string

	mu        sync.Mutex // protects what follows
	layout    Layout
	current   *Reader
	segments  map[string]*segment // by native name
	snapshots map[*openFile]*snapshotFile
	closed    bool
}

func (f *follower) start() (*Reader, error) {
	r, err := f.look(&Reader{})
	if err != nil {
		return nil, err
	}
	f.current = r
	return r, nil
}

func (f *follower) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	return f.current.closeFiles(nil)
}

// next gives a reader of what the directory holds now. It shares files and tables with the one
// before; files that it does not need are closed, so that reading them there fails.
func (f *follower) next() (*Reader, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, fs.ErrClosed
	}
	changed, err := f.current.changed()
	if err != nil || !changed {
		return f.current, err
	}
	r, err := f.look(f.current)
	if err != nil {
		return nil, err
	}
	f.current.closeFiles(r) // they were only read
	f.current = r
	return r, nil
}

// timeResolution is more than the distance of two times that a file system can tell apart: a
// folder that was changed so shortly before it was listed may have changed again since.
const timeResolution = 20 * time.Millisecond

// changed reports whether anything may have changed since the directory was read. It fails if
// the segments' folder is gone.
func (r *Reader) changed() (bool, error) {
	for _, f := range r.folders {
		now, err := platform.StatPath(f.path)
		if err != nil && f.name == r.follower.layout.WAL {
			return false, err
		}
		if err != nil || !now.Same(f.attr) || !now.Ctime.Equal(f.attr.Ctime) || r.isTooNew(f.attr) {
			return true, nil
		}
	}
	if !r.settlingSince.IsZero() {
		return true, nil
	}
	for _, n := range r.native {
		now, err := n.stat()
		if err != nil || isWritten(n.attr, now) || !now.Ctime.Equal(n.attr.Ctime) || r.isTooNew(n.attr) {
			return true, nil
		}
	}
	if slices.ContainsFunc(r.files, func(l *logFile) bool { return l.of.stale.Load() }) {
		return true, nil
	}
	// Two writes can have one time.
	if len(r.files) == 0 {
		return false, nil
	}
	newest := r.files[len(r.files)-1]
	var header [frameHeader]byte
	_, err := newest.file.ReadAt(header[:], newest.end)
	return err == nil && newest.fault == nil && binary.LittleEndian.Uint64(header[:]) != 0, nil
}

// closeFiles closes the reader's files but those that another one has too; nil: all.
func (r *Reader) closeFiles(other *Reader) (err error) {
	if other == nil {
		other = &Reader{}
	}
	for _, n := range r.native {
		if !slices.ContainsFunc(other.native, func(o *nativeFile) bool { return o.openFile == n.openFile }) {
			err = errors.Join(err, n.f.Close())
		}
	}
	for _, f := range r.folders {
		if !slices.Contains(other.folders, f) {
			err = errors.Join(err, f.dir.Close())
		}
	}
	return err
}

// look reads the directory. before is what the look before has found, without files if there
// was none.
func (f *follower) look(before *Reader) (*Reader, error) {
	r := &Reader{follower: f}
	if err := r.load(before); err != nil {
		r.closeFiles(before) // they were only read
		return nil, err
	}
	return r, nil
}
