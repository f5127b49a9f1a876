package dgraph

import (
	"errors"
	"io/fs"
	"math"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// A log file is unreadable if its slots are not known: it cannot be opened or
// read, or is cut within its slot table. Ids grow with indexes, so that the files
// before and behind it tell which indexes it may hold. Those are never said to be
// absent.

// reportUnreadable says that a file cannot be opened or read. One that is gone
// since the directory was listed holds nothing.
func (r *reading) reportUnreadable(name, what string, err error) {
	if id, isLog := format.ParseFileName(name); isLog && !errors.Is(err, fs.ErrNotExist) {
		r.unreadable = append(r.unreadable, id)
	}
	r.report(name, walcore.KindUnreadable, "%s: %v", what, err)
}

// Unreadable are the names of the directory's own files that cannot be opened or
// read.
func (r *Reader) Unreadable() []string {
	var names []string
	for _, p := range r.now().problems {
		if p.Kind == walcore.KindUnreadable {
			names = append(names, p.File)
		}
	}
	return names
}

// unreadableBetween finds the id of an unreadable file that is at least low and
// below high.
func unreadableBetween(ids []uint64, low, high uint64) (id uint64, ok bool) {
	for _, id := range ids {
		if id >= low && id < high {
			return id, true
		}
	}
	return 0, false
}

// unreadableBefore finds an unreadable file that may hold indexes below those of
// the span with number k and above those of the one before it.
func (l *log) unreadableBefore(k int) (id uint64, ok bool) {
	low, high := uint64(0), uint64(math.MaxUint64)
	if k > 0 {
		low = l.files[l.spans[k-1].file].ID // if it is cut, it may go on
	}
	if k < len(l.spans) {
		high = l.files[l.spans[k].file].ID
		if l.spans[k].index == 1 {
			return 0, false
		}
	}
	return unreadableBetween(l.unreadable, low, high)
}

// Unindexed names a log file of which it is not known which entries it holds.
func (l *log) Unindexed() (name string, ok bool) {
	if l = l.now(); len(l.unreadable) == 0 {
		return "", false
	}
	return format.FileName(l.unreadable[0]), true
}

// mayBeIn finds an unreadable file that may hold an index which no slot claims.
func (l *log) mayBeIn(index uint64) (id uint64, ok bool) {
	if index == 0 {
		return 0, false
	}
	return l.unreadableBefore(sort.Search(len(l.spans), func(k int) bool { return l.spans[k].index > index }))
}
