package hashicorp

import (
	"sort"

	"github.com/walfs/walfs/walcore"
)

// window reads the values of entries that follow one another, hundreds with one system call.
// Their checksums are compared when they are taken out of it.
type window struct {
	file  *openFile
	at    int64 // of bytes in file
	bytes []byte
	next  int64 // how much to read next
}

// How much is read at once: little at first, and twice as much where one window follows
// another.
const (
	minWindow = 16 << 10
	maxWindow = 256 << 10
)

// Window makes one that serves the entries of any log file.
func (l *logFile) Window() walcore.Window { return &window{} }

// Forget makes it read anew what it has read.
func (w *window) Forget() { w.file, w.next = nil, 0 }

// Data gives an entry's payload, if it is small enough and is where it was listed.
func (w *window) Data(e walcore.Entry) ([]byte, bool) {
	l, ok := e.File.Source.(*logFile)
	if !ok {
		return nil, false
	}
	i, ok := l.find(e.Index)
	if !ok || int64(l.slots[i].value) > maxWindow {
		return nil, false
	}
	s := &l.slots[i]
	if !w.has(l.f, s) && !w.load(l, i) {
		return nil, false
	}
	value := w.bytes[s.at-w.at:][:s.value]
	return value[s.dataAt:][:s.size], s.isOf(value)
}

func (w *window) has(f *openFile, s *slot) bool {
	return w.file == f && s.at >= w.at && s.at+int64(s.value) <= w.at+int64(len(w.bytes))
}

// load reads the window that begins with a slot. It ends where a value does that follows in the
// file: values of raft.db need not.
func (w *window) load(l *logFile, i int) bool {
	s := &l.slots[i]
	if w.file == l.f && s.at > w.at && s.at <= w.at+int64(len(w.bytes)) {
		w.next = min(2*w.next, maxWindow)
	} else {
		w.next = minWindow
	}
	most := s.at + max(w.next, int64(s.value))
	n := sort.Search(len(l.slots)-i-1, func(k int) bool {
		next := &l.slots[i+1+k]
		return next.at < s.at || next.at+int64(next.value) > most
	})
	last := &l.slots[i+n]
	end := max(last.at+int64(last.value), s.at+int64(s.value))
	w.file, w.at = l.f, s.at
	w.bytes = resized(&w.bytes, int(end-s.at))
	if readFull(l.f, w.bytes, w.at) != nil {
		w.file = nil
	}
	return w.file != nil
}
