package storage

import (
	"sort"

	"go.etcd.io/raft/v3"
)

// The calls of this file need mu or write held, but for Files.

// current is the log file that is written, nil if there is none yet.
func (s *DiskStorage) current() *segment {
	if len(s.segments) == 0 {
		return nil
	}
	return s.segments[len(s.segments)-1]
}

// logLast is the last entry's index, 0 without entries.
func (s *DiskStorage) logLast() uint64 {
	for k := len(s.segments) - 1; k >= 0; k-- {
		if last := s.segments[k].last(); last > 0 {
			return last
		}
	}
	return 0
}

func (s *DiskStorage) firstIndex() uint64 {
	switch {
	case s.meta.snapIndex > 0:
		return s.meta.snapIndex + 1
	case len(s.segments) > 0 && s.segments[0].entries() > 0:
		return s.segments[0].first()
	}
	return 1
}

func (s *DiskStorage) lastIndex() uint64 {
	return max(s.logLast(), s.meta.snapIndex)
}

// find gives the file and the slot of an index that is in the log.
func (s *DiskStorage) find(index uint64) (*segment, int) {
	k := s.segmentOf(index)
	g := s.segments[k]
	return g, g.slotOf(index)
}

// segmentOf is the number of the log file that holds an index of the log.
func (s *DiskStorage) segmentOf(index uint64) int {
	// Raft asks for the log's end most of the time.
	for k := len(s.segments) - 1; k >= max(len(s.segments)-2, 0); k-- {
		if g := s.segments[k]; g.entries() > 0 && index >= g.first() {
			return k
		}
	}
	return sort.Search(len(s.segments), func(k int) bool {
		return s.segments[k].entries() == 0 || s.segments[k].first() > index
	}) - 1
}

func (s *DiskStorage) term(i uint64) (uint64, error) {
	if s.err != nil {
		return 0, s.err
	}
	if i == s.meta.snapIndex && (i > 0 || s.firstIndex() == 1) {
		return s.meta.snapTerm, nil
	}
	if i < s.firstIndex() {
		return 0, raft.ErrCompacted
	}
	if i > s.logLast() {
		return 0, raft.ErrUnavailable
	}
	g, slot := s.find(i)
	return g.term(slot), nil
}

// Files gives the names of the log files, in the log's order.
func (s *DiskStorage) Files() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := make([]string, len(s.segments))
	for i, g := range s.segments {
		names[i] = g.name
	}
	return names
}
