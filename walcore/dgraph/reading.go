package dgraph

import (
	"slices"
	"strings"
	"time"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
)

// reading is one look at a directory. It becomes a Reader.
type reading struct {
	*Reader
	previous   previous
	unreadable []uint64 // ids of log files, see reportUnreadable
	// presumed are the files of a lazily read log, of which all are read now.
	presumed []*lazyFile
}

// previous is what the look before has found. Of a first look it is zero: there was
// nothing.
type previous struct {
	exists        bool // there was a look before
	native        []*nativeFile
	files         []*lazyFile
	unreadable    []uint64
	keys          *keyRing
	meta          *meta.Meta // nil: wal.meta was missing or damaged
	settlingSince time.Time
	hardTerm      uint64 // the hard state's
	termTooLow    bool   // it is, and that was said
}

func (r *Reader) asPrevious() previous {
	p := previous{exists: true, native: r.native, files: r.files, unreadable: r.unreadable, keys: r.keys, settlingSince: r.settlingSince,
		hardTerm: r.meta.HardState.GetTerm(), termTooLow: r.termTooLow && !r.termUnsettled}
	if r.metaWhole() {
		p.meta = r.meta
	}
	return p
}

// logFile finds a log file that was open already, and whose table was kept, or gives nil.
func (p *previous) logFile(n *nativeFile) *LogFile {
	if f := findLogFile(p.files, n.f); f != nil {
		return f.kept
	}
	return nil
}

// findLogFile finds one of the files, from the end: mostly the newest is asked for.
func findLogFile(files []*lazyFile, f file) *lazyFile {
	for _, l := range slices.Backward(files) {
		if l.f == f {
			return l
		}
	}
	return nil
}

// findNative finds one of the files, which are in the order of their names.
func findNative(files []*nativeFile, name string) *nativeFile {
	if i, ok := slices.BinarySearchFunc(files, name, func(n *nativeFile, name string) int { return strings.Compare(n.Name, name) }); ok {
		return files[i]
	}
	return nil
}

// load reads the directory.
func (r *reading) load() (err error) {
	if r.attr, err = r.follower.dir.Stat(); err != nil {
		return err
	}
	if err := r.checkFileSystem(); err != nil {
		return err
	}
	if err := r.openFiles(); err != nil {
		return err
	}
	if err := r.openKeys(); err != nil {
		return err
	}
	r.readMeta()
	if r.log = r.presumeLog(); r.log == nil {
		r.log = r.orderLogFiles(r.readLogFiles())
	}
	r.settleTerm()
	r.summary = r.summarize()
	return nil
}

// orderLogFiles makes the log of what was read.
func (r *reading) orderLogFiles(tables []tableFile) *log {
	files := make([]slotFile, len(tables))
	for i, t := range tables {
		files[i] = t.slotFile
	}
	order := orderLog(files, r.unreadable, r.compactedTo(), r.snapshotTerm(), r.meta.HardState.GetTerm())
	l := &log{spans: order.spans, terms: order.terms, unreadable: r.unreadable}
	var earlier []*fullFile
	for place, i := range order.files {
		f := r.newLogFile(tables[i], order.found[place])
		f.earlier = earlier[:place:place]
		f.full = place < order.last()
		earlier = append(earlier, f.asFull())
		l.files = append(l.files, &lazyFile{File: f.File, f: f.f, kept: f})
	}
	return l
}

// checkFileSystem reports what keeps a node from writing. That is news to those
// who follow a directory; one at rest may well be on a read-only file system.
func (r *reading) checkFileSystem() (err error) {
	if r.disk, err = r.follower.dir.FileSystem(); err != nil {
		return err
	}
	if !r.previous.exists {
		r.disk.Full = false // if it is full, the next look finds that this has changed
		return nil
	}
	if r.disk.ReadOnly && !r.follower.startedReadOnly {
		r.report(".", walcore.KindFileSystem, "the file system has become read-only: the node can write nothing")
	}
	if r.disk.Full {
		r.report(".", walcore.KindFileSystem, "the file system is full: the node cannot write much more, if anything")
	}
	return nil
}
