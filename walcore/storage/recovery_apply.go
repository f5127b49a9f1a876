package storage

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// mend puts the directory right as judged: nothing that it removes was
// acknowledged and still counts. A crash in it leaves what a crash before it
// has left, or less.
func (s *DiskStorage) mend(v *verdict) error {
	for _, g := range v.keep {
		s.segments = append(s.segments, g.segment)
		s.nextID = max(s.nextID, g.id)
	}
	s.nextID++
	if err := s.dir.Remove(newMetaName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.mendFiles(v); err != nil {
		return err
	}
	for i, g := range v.keep {
		last := i == len(v.keep)-1
		if g.stale {
			if err := s.mendTable(g, last); err != nil {
				return err
			}
		}
		g.tail, g.reserved = g.end, g.end
		if last && g.cipher != nil {
			var err error
			if g.tail, err = g.behindSealed(g.end); err != nil {
				return err
			}
			g.reserved = g.tail
		}
	}
	if commit, last := s.meta.hard.commit, s.lastIndex(); commit > last {
		s.report(walcore.Problem{File: format.MetaName, Slot: -1, Offset: 512, Index: commit, Kind: walcore.KindCommit, Message: fmt.Sprintf(
			"the commit index is %d, the log ends at %d: entries are lost, and Raft will refuse to start", commit, last)})
	}
	if len(s.segments) == 0 {
		return s.createFirst()
	}
	return nil
}

// report tells of a problem that Open has found.
func (s *DiskStorage) report(p walcore.Problem) {
	s.problems = append(s.problems, p)
	s.log.Warn("found when opening", "dir", s.path, "problem", p.String())
}

// mendFiles removes the files that are no part of the log.
func (s *DiskStorage) mendFiles(v *verdict) error {
	for _, g := range v.drop {
		if g.stale {
			s.report(walcore.Problem{File: g.name, Kind: walcore.KindTorn, Message: "no sound slot: file removed: " + g.why()})
		}
		if err := s.remove(g.segment); err != nil {
			return err
		}
	}
	var old []*segment
	for _, g := range v.replaced {
		old = append(old, g.segment)
		s.report(walcore.Problem{File: g.name, Slot: -1, Index: g.first(), Kind: walcore.KindReplaced, Message: fmt.Sprintf(
			"entries %d to %d are replaced by the snapshot at index %d, term %d: file removed",
			g.first(), g.last(), s.meta.snapIndex, s.meta.snapTerm)})
	}
	if err := s.dropReplaced(old, s.meta.snapIndex); err != nil {
		return err
	}
	if len(v.drop) == 0 {
		return nil
	}
	return s.syncDir()
}

// mendTable zeroes everything behind the sound slots, before anything is
// appended that would join it up again.
func (s *DiskStorage) mendTable(g *foundFile, last bool) error {
	from := int64(g.slots() * format.SlotSize)
	if last {
		s.report(walcore.Problem{File: g.name, Slot: g.slots(), Offset: uint64(from), Index: g.last() + 1, Kind: walcore.KindTorn,
			Message: "dropped from here on: " + g.why()})
	}
	if _, err := g.f.WriteAt(make([]byte, min(g.size, format.SlotTableSize)-from), from); err != nil {
		return g.slotErr(g.slots(), err)
	}
	return s.flushFile(g.segment)
}
