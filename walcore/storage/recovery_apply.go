package storage

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// applyRecovery does what is planned. A crash in it leaves a directory for which
// the next Open makes the same plan, or a shorter one.
func (s *DiskStorage) applyRecovery(p *recoveryPlan) error {
	if err := s.openKeys(); err != nil {
		return err
	}
	for _, g := range p.keep {
		var err error
		if g.cipher, err = s.keys.old(g.header); err != nil {
			return g.keyErr(err)
		}
	}
	if p.createMeta {
		f, err := s.writeNewMeta(nil, meta.NewSize)
		if err != nil {
			return err
		}
		s.meta = metaFile{f: f}
	}
	for _, g := range p.keep {
		s.segments = append(s.segments, g.segment)
		s.nextID = max(s.nextID, g.id)
	}
	s.nextID++
	if err := s.removeFiles(p); err != nil {
		return err
	}
	for _, g := range p.keep {
		if err := s.prepare(g, g.segment == s.current()); err != nil {
			return err
		}
	}
	if commit, last := s.meta.hard.commit, s.lastIndex(); commit > last {
		s.report(walcore.FileProblem(format.MetaName, walcore.KindCommit, fmt.Sprintf(
			"the commit index is %d, the log ends at %d: entries are lost, and Raft will refuse to start", commit, last)).
			At(hardStateAt).OfEntry(commit))
	}
	if len(s.segments) == 0 {
		g, err := s.rotate(nil, false)
		if err != nil {
			return err
		}
		s.segments = []*segment{g}
	}
	return s.finishEmptying()
}

// hardStateAt is where wal.meta has the hard state.
const hardStateAt = 512

// report tells of a problem that Open has found.
func (s *DiskStorage) report(p walcore.Problem) {
	s.problems = append(s.problems, p)
	s.log.Warn("found when opening", "dir", s.path, "problem", p.String())
}

// removeFiles removes the files that are no part of the log.
func (s *DiskStorage) removeFiles(p *recoveryPlan) error {
	if err := s.dir.Remove(newMetaName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, g := range p.empty {
		if g.leftover {
			s.report(walcore.SlotProblem(g.name, 0, walcore.KindTorn, "no sound slot: file removed: "+g.whyEnded()))
		}
		if err := s.remove(g.segment); err != nil {
			return err
		}
	}
	var replaced []*segment
	for _, g := range p.replaced {
		replaced = append(replaced, g.segment)
		s.report(walcore.FileProblem(g.name, walcore.KindReplaced, fmt.Sprintf(
			"entries %d to %d are replaced by the snapshot at index %d, term %d: file removed",
			g.first(), g.last(), s.meta.snapIndex, s.meta.snapTerm)).OfEntry(g.first()))
	}
	if err := s.dropReplaced(replaced, s.meta.snapIndex); err != nil {
		return err
	}
	if len(p.empty) == 0 {
		return nil
	}
	return s.syncDir()
}

// prepare makes a file of the log ready to be written to. What is behind the
// valid slots is set to 0 before new slots are written that would make it a part
// of the log again.
func (s *DiskStorage) prepare(g *scannedFile, last bool) error {
	if g.leftover {
		at := int64(g.slots() * format.SlotSize)
		if last {
			s.report(walcore.SlotProblem(g.name, g.slots(), walcore.KindTorn, "dropped from here on: "+g.whyEnded()).
				At(uint64(at)).OfEntry(g.last() + 1))
		}
		if _, err := g.f.WriteAt(make([]byte, min(g.size, format.SlotTableSize)-at), at); err != nil {
			return g.slotErr(g.slots(), err)
		}
		if err := s.flushFile(g.segment); err != nil {
			return err
		}
	}
	g.tail = g.end
	if last && g.cipher != nil {
		var err error
		if g.tail, err = g.behindCiphertext(g.end); err != nil {
			return err
		}
	}
	g.reserved = g.tail
	return nil
}
