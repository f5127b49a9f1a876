package dgraph

import (
	"errors"
	"fmt"
	"iter"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// log is the entries of a directory: those of all its log files, by index.
type log struct {
	lazy       *lazyLog    // nil: all tables are in memory
	files      []*lazyFile // in the log's order
	spans      []span      // upwards, without overlap
	terms      []walcore.TermSpan
	unreadable []uint64 // ids of files whose slots are not known
}

// Terms are the terms that have entries, upwards.
func (l *log) Terms() []walcore.TermSpan { return l.now().terms }

// Entry finds the entry with an index. It fails with ErrNoEntry outside the
// log, and with ErrDamaged inside it where the entry is not whole, or where it
// may be in a log file that cannot be read.
func (l *log) Entry(index uint64) (walcore.Entry, error) {
	l = l.now()
	if file, i, ok := findSlot(l.spans, index); ok {
		f, err := l.files[file].load()
		if errors.Is(err, errPresumed) {
			return l.readAll().Entry(index)
		}
		if err != nil {
			return walcore.Entry{}, walcore.SlotError(l.files[file].Name, i, err).OfEntry(index)
		}
		f.loadSizes()
		if size, whole := f.size(i); whole {
			return f.entryOf(i, size), nil
		}
		return walcore.Entry{}, walcore.SlotError(f.Name, i, walcore.ErrDamaged).At(f.Offset(i)).OfEntry(index)
	}
	if id, may := l.mayBeIn(index); may {
		return walcore.Entry{}, fmt.Errorf("entry %d may be in %s, whose slots cannot be read: %w", index, format.FileName(id), walcore.ErrDamaged)
	}
	if l.lost(index) {
		return walcore.Entry{}, fmt.Errorf("entry %d is missing between others: %w", index, walcore.ErrDamaged)
	}
	if len(l.spans) == 0 {
		return walcore.Entry{}, fmt.Errorf("entry %d: %w; the log is empty", index, walcore.ErrNoEntry)
	}
	last := l.spans[len(l.spans)-1].last()
	return walcore.Entry{}, fmt.Errorf("entry %d: %w; the log holds %d to %d", index, walcore.ErrNoEntry, l.spans[0].index, last)
}

// lost reports whether an index that no slot claims was once in the log: there
// are slots where its own would be, but they are damaged, or files are gone.
func (l *log) lost(index uint64) bool {
	if len(l.spans) == 0 {
		return false
	}
	if first := l.spans[0]; index < first.index {
		return index+uint64(first.slot) >= first.index
	}
	if last := l.spans[len(l.spans)-1]; index > last.last() {
		return index-last.last() <= uint64(l.files[last.file].len()-last.slot-last.n)
	}
	k := sort.Search(len(l.spans), func(k int) bool { return l.spans[k].index > index })
	return l.spans[k].lost
}

// Gap fails with ErrDamaged if the log once held an entry from first to last and
// none of them can be read now.
func (l *log) Gap(first, last uint64) error {
	if first = max(first, 1); first > last {
		return nil
	}
	// Behind the end and before the beginning, only what is next to the log is
	// known to have been in it.
	for _, index := range []uint64{first, last} {
		if _, err := l.Entry(index); err != nil && !errors.Is(err, walcore.ErrNoEntry) {
			return err
		}
	}
	return nil
}

// Entries goes through the whole entries with an index of at least from,
// upwards.
func (l *log) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		l := l.now()
		k := sort.Search(len(l.spans), func(k int) bool { return l.spans[k].last() >= from })
		for ; k < len(l.spans); k++ {
			s := l.spans[k]
			f, err := l.files[s.file].load()
			if errors.Is(err, errPresumed) || l.now() != l { // it goes on in what all tables say
				l.readAll().Entries(max(from, s.index))(yield)
				return
			}
			// What cannot be read is left out: Gap says why.
			if err == nil && !f.yield(s.run, from, yield) {
				return
			}
		}
	}
}

// Outline goes through the slots that are entries, upwards, without a look at
// their payloads. Of a log that was not as presumed it is all that was given: an index can come
// twice.
func (l *log) Outline(from uint64) iter.Seq[walcore.Entry] {
	if now := l.now(); now != l {
		return merged(l.outline(from), now.outline(from))
	}
	return l.outline(from)
}

func (l *log) outline(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		k := sort.Search(len(l.spans), func(k int) bool { return l.spans[k].last() >= from })
		for ; k < len(l.spans); k++ {
			s := l.spans[k]
			if file := l.files[s.file]; l.now() != l && !file.isLookedAt() {
				continue // none of its entries was given
			}
			f, err := l.files[s.file].load()
			if err != nil {
				continue
			}
			for i := s.slotFrom(from); i < s.slot+s.n; i++ {
				if !f.isDropped(i) && !yield(f.entryOf(i, 0)) {
					return
				}
			}
		}
	}
}

// Last is the last whole entry.
func (l *log) Last() (walcore.Entry, bool) {
	l = l.now()
	for k := len(l.spans) - 1; k >= 0; k-- {
		s := l.spans[k]
		f, err := l.files[s.file].load()
		if errors.Is(err, errPresumed) {
			return l.readAll().Last()
		}
		for i := s.slot + s.n - 1; err == nil && i >= s.slot; i-- {
			if e, whole := f.entry(i); whole {
				return e, true
			}
		}
	}
	return walcore.Entry{}, false
}
