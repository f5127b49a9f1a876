package etcd

import (
	"iter"
	"slices"
	"sort"
	"sync"

	"github.com/walfs/walfs/walcore"
)

// logFile is a segment as a log shows it: the Source of its File.
type logFile struct {
	walcore.File
	of *segment // what it was made of; it may have grown since
	table
	file  *openFile
	spans []span // the entries of the log that are in it, upwards
	ending
	fault *fault // why its records end there, as in segment
	named []snapshotRecord
}

var (
	_ walcore.Counted  = (*logFile)(nil)
	_ walcore.Windowed = (*logFile)(nil)
)

// Entries goes through the file's entries with an index of at least from, upwards.
func (l *logFile) Entries(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		k := sort.Search(len(l.spans), func(k int) bool { return l.spans[k].end() > from })
		for _, s := range l.spans[k:] {
			if !l.yield(s.from(from), yield) {
				return
			}
		}
	}
}

func (l *logFile) yield(s span, yield func(walcore.Entry) bool) bool {
	for i := range s.n {
		if !yield(l.entry(s, i)) {
			return false
		}
	}
	return true
}

// entry is the entry i of a span.
func (l *logFile) entry(s span, i int) walcore.Entry {
	slot := s.slot + i
	r := l.row(slot)
	return walcore.Entry{Term: s.term, Index: s.index + uint64(i), Type: s.typ, Size: int64(r.size),
		Offset: uint64(r.frame) * frameUnit, Slot: slot, File: &l.File}
}

// Count is what the entries add up to.
func (l *logFile) Count() (c walcore.FileCount, ok bool) {
	c.Types = map[walcore.EntryType]uint64{}
	for k, s := range l.spans {
		if k > 0 && l.spans[k-1].end() != s.index {
			return c, false // each index of its terms is to have an entry
		}
		c.Terms = addSpan(c.Terms, s)
		c.Types[s.typ] += uint64(s.n)
		for slot := s.slot; slot < s.slot+s.n; slot++ {
			c.Bytes += uint64(l.row(slot).size)
		}
	}
	return c, true
}

// addSpan adds a span to the terms of those before it.
func addSpan(terms []walcore.TermSpan, s span) []walcore.TermSpan {
	if k := len(terms) - 1; k >= 0 && terms[k].Term == s.term {
		terms[k].Last = s.end() - 1
		terms[k].Count += s.n
		return terms
	}
	return append(terms, walcore.TermSpan{Term: s.term, First: s.index, Last: s.end() - 1, Count: s.n})
}

const (
	// frameExtra is more than a frame has beside its payload: its header, a type and a sum
	// (2 and 6 bytes), type, term and index of the entry (6, 11 and 11), two lengths (6 each),
	// and the padding.
	frameExtra = 64
	// maxSmall is the largest payload that is read with its whole frame.
	maxSmall = 128 << 10
)

// frameBuffers spare an allocation for each payload.
var frameBuffers = sync.Pool{New: func() any { return new([]byte) }}

// ReadPayload fills p with the payload's bytes from position off on. Each time the sum of the
// whole record is made again: what it gives is the listed entry's, or an error.
func (l *logFile) ReadPayload(e walcore.Entry, p []byte, off int64) error {
	if e.Size > maxSmall {
		return l.changed(l.readLarge(l.file, l.Attr.Size, &e, p, off))
	}
	buf := frameBuffers.Get().(*[]byte)
	defer frameBuffers.Put(buf)
	b := resized(*buf, int(min(frameExtra+e.Size, l.Attr.Size-int64(e.Offset))))
	*buf = b
	if err := readFull(l.file, b, int64(e.Offset)); err != nil {
		return err
	}
	if data, ok := l.payload(b, &e); ok {
		copy(p, data[off:])
		return nil
	}
	// Fields that are not known make it longer, or it has changed.
	return l.changed(l.readLarge(l.file, l.Attr.Size, &e, p, off))
}

func (l *logFile) changed(ok bool, err error) error {
	if err == nil && !ok {
		l.of.stale.Store(true)
		return walcore.ErrChanged
	}
	return err
}

func resized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// window reads the frames of entries that follow one another, hundreds with one system call.
type window struct {
	file  *openFile
	at    int64 // of bytes in file
	bytes []byte
	next  int // how much to read next
}

// How much is read at once: little at first, and twice as much where one window follows
// another. A frame larger than that is read by itself.
const (
	minWindow = 16 << 10
	maxWindow = 256 << 10
)

// Window makes one that serves the entries of any segment.
func (l *logFile) Window() walcore.Window { return &window{} }

// Forget makes it read anew what it has read.
func (w *window) Forget() { w.file, w.next = nil, 0 }

// Data gives an entry's payload, if it is small enough and can be read.
func (w *window) Data(e walcore.Entry) ([]byte, bool) {
	l, ok := e.File.Source.(*logFile)
	if !ok || e.Size > maxWindow-frameExtra {
		return nil, false
	}
	if data, ok := w.take(l, &e); ok {
		return data, true
	}
	w.load(l, &e)
	return w.take(l, &e)
}

func (w *window) take(l *logFile, e *walcore.Entry) ([]byte, bool) {
	from := int64(e.Offset) - w.at
	if w.file != l.file || from < 0 || from >= int64(len(w.bytes)) {
		return nil, false
	}
	return l.payload(w.bytes[from:], e)
}

// load reads the window that begins with e. What cannot be read is left out of it.
func (w *window) load(l *logFile, e *walcore.Entry) {
	if from := int64(e.Offset); w.file == l.file && from > w.at && from <= w.at+int64(len(w.bytes)) {
		w.next = min(2*w.next, maxWindow)
	} else {
		w.next = minWindow
	}
	w.file, w.at = l.file, int64(e.Offset)
	w.bytes = resized(w.bytes, int(min(max(int64(w.next), frameExtra+e.Size), l.Attr.Size-w.at)))
	if readFull(l.file, w.bytes, w.at) != nil {
		w.file = nil
	}
}

// sameAs reports whether a log shows a file as another one did, so that it can be the same.
func (l *logFile) sameAs(before *logFile) bool {
	return l.of == before.of && l.n == before.n && l.Attr == before.Attr && l.ending == before.ending && l.fault == before.fault && slices.EqualFunc(l.spans, before.spans, sameSlots)
}

// sameSlots compares spans of one file; its place among the segments may be another one.
func sameSlots(a, b span) bool {
	b.segment = a.segment
	return a == b
}
