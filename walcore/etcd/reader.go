package etcd

import (
	"path"
	"slices"
	"time"

	"github.com/walfs/walfs/walcore"
)

var (
	_ walcore.Follower = (*Reader)(nil)
	_ walcore.Filer    = (*Reader)(nil)
	_ walcore.Imager   = (*Reader)(nil)
	_ walcore.Pinner   = (*Reader)(nil)
	_ walcore.Replacer = (*Reader)(nil)
)

// Reader is an open directory, as it was at one moment: a walcore.Log.
type Reader struct {
	*log
	follower *follower
	meta     walcore.Meta
	problems []walcore.Problem

	folders    []*folder
	snap       string        // Layout.Snap, as it was
	native     []*nativeFile // by name
	unreadable []string
	listed     time.Time // when the names were read
	// settlingSince is when a record was first seen of which a part is there; zero: none is.
	settlingSince time.Time

	// What a raft.Storage would answer; nil: not known.
	firstIndex, lastIndex *uint64
}

// Open opens the directory at path: see Find. It fails with ErrNotRaftDir, and where the
// directory cannot be read.
func Open(path string) (*Reader, error) {
	layout, err := Find(path)
	if err != nil {
		return nil, err
	}
	return (&follower{path: path, layout: layout, segments: map[string]*segment{}, snapshots: map[*openFile]*snapshotFile{}}).start()
}

// Meta is what the directory says of the node.
func (r *Reader) Meta() *walcore.Meta { return &r.meta }

// FirstIndex is the index after the snapshot's, or else the first entry's. It is not known
// where the snapshot that the log begins behind is missing or damaged.
func (r *Reader) FirstIndex() (index uint64, known bool) { return value(r.firstIndex) }

// LastIndex is the last entry's, or else the snapshot's. It is not known where the newest
// segment is damaged.
func (r *Reader) LastIndex() (index uint64, known bool) { return value(r.lastIndex) }

func value(p *uint64) (uint64, bool) {
	if p == nil {
		return 0, false
	}
	return *p, true
}

// Problems lists what is wrong with the directory.
func (r *Reader) Problems() []walcore.Problem { return slices.Clone(r.problems) }

// Close closes the directory's files, those of all its readers.
func (r *Reader) Close() error { return r.follower.close() }

// Files are the segments, in their order; those without entries last.
func (r *Reader) Files() []*walcore.File {
	var files, empty []*walcore.File
	for _, l := range r.files {
		if len(l.spans) > 0 {
			files = append(files, &l.File)
		} else {
			empty = append(empty, &l.File)
		}
	}
	return append(files, empty...)
}

// Native are all regular files of the directory. A running node writes to the newest segment
// and to the database.
func (r *Reader) Native() []walcore.NativeFile {
	newest := ""
	if len(r.files) > 0 {
		newest = r.files[len(r.files)-1].Name
	}
	files := make([]walcore.NativeFile, len(r.native))
	for i, n := range r.native {
		base := path.Base(n.name)
		files[i] = walcore.NativeFile{Name: n.name, Attr: n.attr, Written: base == newest || base == "db" || isMakeshift(base), ReaderAt: n}
	}
	return files
}

// Unreadable are the names of the directory's own files that cannot be opened or read.
func (r *Reader) Unreadable() []string { return r.unreadable }

// Unindexed names a segment of which it is not known which entries are in it.
func (r *Reader) Unindexed() (name string, ok bool) {
	n, ok := r.unreadableSegment()
	if !ok {
		return "", false
	}
	return n.String(), true
}

// Refresh gives the log as it is now: the same one if nothing has changed.
func (r *Reader) Refresh() (walcore.Follower, error) {
	next, err := r.follower.next()
	if err != nil {
		return nil, err // not next: a Follower that holds a nil *Reader is not nil
	}
	return next, nil
}

// Unchanged is the range of indexes that are in the same slots of the same files as in an
// earlier log of the directory.
func (r *Reader) Unchanged(since walcore.Log) (first, last uint64) {
	earlier, ok := since.(*Reader)
	if !ok {
		return 1, 0
	}
	return r.unchanged(earlier.log)
}
