package dgraph

import (
	"errors"
	"io/fs"
	"math"
	"slices"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// A log file is unread if its slots are not known: it cannot be opened or read,
// or is cut within its slot table. Ids grow with indexes, so that the files
// before and behind it tell which indexes it may hold. Those are never said to
// be absent.

// unreadable takes note of a file that cannot be read. One that is gone since
// the directory was listed holds nothing.
func (r *Reader) unreadable(name, what string, err error) {
	if id, isLog := format.ParseFileName(name); isLog && !errors.Is(err, fs.ErrNotExist) {
		r.unread = append(r.unread, id)
	}
	r.problem(name, walcore.KindUnreadable, "%s: %v", what, err)
}

// Unreadable are the names of the directory's own files that cannot be opened or
// read.
func (r *Reader) Unreadable() []string {
	var names []string
	for _, p := range r.problems {
		if p.Kind == walcore.KindUnreadable {
			names = append(names, p.File)
		}
	}
	return names
}

// cutShort reports whether a file ends before its slots do. old is the file as
// before has it, or nil: a writer that makes a file makes it long in a moment,
// and one that removes a file empties it first.
func (r *Reader) cutShort(f, old *LogFile, before *Reader) bool {
	if f.Attr.Size >= format.SlotTableSize || int64(f.Len()) < f.Attr.Size/format.SlotSize {
		return false
	}
	atWork := before != nil && (old == nil || old.Len() == 0 || f.Attr.Size == 0) && !slices.Contains(before.unread, f.ID)
	return !atWork || !r.patient(before)
}

// unreadBetween finds an unread file whose id is at least low and below high.
func (l *log) unreadBetween(low, high uint64) (name string, ok bool) {
	for _, id := range l.unread {
		if id >= low && id < high {
			return format.FileName(id), true
		}
	}
	return "", false
}

// unreadBefore finds an unread file that may hold indexes below those of the
// span with number k and above those of the one before it.
func (l *log) unreadBefore(k int) (name string, ok bool) {
	low, high := uint64(0), uint64(math.MaxUint64)
	if k > 0 {
		low = l.spans[k-1].file.ID // if it is cut, it may go on
	}
	if k < len(l.spans) {
		high = l.spans[k].file.ID
		if l.spans[k].index == 1 {
			return "", false
		}
	}
	return l.unreadBetween(low, high)
}

// Unindexed finds a log file whose slots cannot be read: there may be entries of
// which nothing is known.
func (l *log) Unindexed() (name string, ok bool) { return l.unreadBetween(0, math.MaxUint64) }

// mayBeIn finds an unread file that may hold an index which no slot claims.
func (l *log) mayBeIn(index uint64) (name string, ok bool) {
	if index == 0 {
		return "", false
	}
	return l.unreadBefore(sort.Search(len(l.spans), func(k int) bool { return l.spans[k].index > index }))
}
