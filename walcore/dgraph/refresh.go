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
	glances         int // how often Glance was called
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
	return f.nodeChanged(dir) || f.fileSystemChanged() || slices.ContainsFunc(f.current.native, f.current.logChanged)
}

// A look at a file costs microseconds, and there can be thousands. A node writes to
// wal.meta and to the newest log file, makes files and deletes them; that is looked for
// at every glance. Into an older file it only stores lengths, when it empties payloads:
// no time and no size of the file tells of that. So whoever changes these is somebody
// else, who cuts a file, restores it or touches it, and that is seen a little later. No
// wrong bytes are served meanwhile, nor would an earlier look keep them from being: who
// reads a payload compares its slot, and fails with ErrChanged where the file ends before
// it.
const (
	// glancesAround is after how many glances each older file was looked at: at Watch's
	// pace, four seconds.
	glancesAround = 64
	// glancesPerSecond is how many there are between two looks at the file system, which
	// may have become full.
	glancesPerSecond = 16
	// activeFiles is how many of the newest log files are looked at at every glance. A
	// node may still cut the one before the newest to its size.
	activeFiles = 4
)

// seemsChanged reports whether changed would be true, or not yet.
func (f *follower) seemsChanged(dir walcore.Attr) bool {
	f.glances++
	r, turn := f.current, f.glances%glancesAround
	n := len(r.native)
	return f.nodeChanged(dir) || turn%glancesPerSecond == 0 && f.fileSystemChanged() ||
		slices.ContainsFunc(r.active, r.logChanged) ||
		slices.ContainsFunc(r.native[n*turn/glancesAround:n*(turn+1)/glancesAround], r.logChanged)
}

// nodeChanged reports whether a node may have changed something other than a log file.
func (f *follower) nodeChanged(dir walcore.Attr) bool {
	r := f.current
	if !r.settlingSince.IsZero() || starvedIn(f.dir) != r.starved || dir.Ctime != r.attr.Ctime || r.listed.Sub(r.attr.Ctime) < timeResolution {
		return true
	}
	if r.metaFile != nil {
		if same, err := r.meta.Same(r.metaFile.f); err != nil || !same || r.faultsChanged() {
			return true
		}
	}
	return slices.ContainsFunc(r.files, func(l *LogFile) bool { return l.sized.Load() && l.emptiedDuringRead })
}

func (f *follower) fileSystemChanged() bool {
	disk, err := f.dir.FileSystem()
	return err != nil || disk != f.current.disk
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
