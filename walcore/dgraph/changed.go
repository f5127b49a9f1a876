package dgraph

import (
	"slices"
	"time"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

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
// at every glance. Into an older file it only stores lengths, when it empties payloads,
// and the file's time tells of that some seconds later at best. Whoever else changes an
// older file's time or size cuts it, restores it or touches it: that is seen a little
// later, too. No wrong bytes are served meanwhile, nor would an earlier look keep them from being: who
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

// nodeChanged reports whether anything may have changed that shows without a look at the
// log files, or whether what was read was not certain.
func (f *follower) nodeChanged(dir walcore.Attr) bool {
	r := f.current
	if !r.settlingSince.IsZero() || starvedIn(f.dir) != r.starved || dir.Ctime != r.attr.Ctime || r.listed.Sub(r.attr.Ctime) < timeResolution {
		return true
	}
	if r.now() != r || r.lazy != nil && !r.lazy.checked && r.Checked() {
		return true // what is known of it
	}
	if r.metaFile != nil {
		if same, err := r.meta.Same(r.metaFile.f); err != nil || !same || r.faultsChanged() {
			return true
		}
	}
	return slices.ContainsFunc(r.files, (*lazyFile).hasChanged)
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
	l := r.tableOf(n.f)
	return l == nil || !l.endsTheSameIn(n.f)
}
