package storage

import (
	"errors"
	"io/fs"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
)

// applyRecovery does what is planned. A crash in it leaves a directory for which
// the next Open makes the same plan, or a shorter one. createMeta says that there is
// no wal.meta yet.
func (s *DiskStorage) applyRecovery(p *dgraph.Recovery, createMeta bool) error {
	if err := s.openKeys(); err != nil {
		return err
	}
	byName := map[string]*segment{}
	for g := range s.open {
		byName[g.name] = g
	}
	for _, f := range p.Files {
		g := byName[f.Name]
		g.header, g.size, g.obsolete, g.end = f.Header, f.Attr.Size, f.Obsolete, f.End
		g.setTable(&packedTable{f.Prefix(f.Slots)})
		var err error
		if g.cipher, err = s.keys.old(g.header); err != nil {
			return keyErr(f.LogFile, err)
		}
		s.segments = append(s.segments, g)
		s.nextID = max(s.nextID, g.id)
	}
	s.nextID++
	if createMeta {
		f, err := s.writeNewMeta(nil, meta.NewSize)
		if err != nil {
			return err
		}
		s.meta = metaFile{f: f}
	}
	if err := s.removeFiles(p.Removed, byName); err != nil {
		return err
	}
	if err := s.prepareFiles(p); err != nil {
		return err
	}
	for _, w := range p.Warnings {
		s.report(w)
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

// report tells of a problem that Open has found.
func (s *DiskStorage) report(p walcore.Problem) {
	s.problems = append(s.problems, p)
	s.log.Warn("found when opening", "dir", s.path, "problem", p.String())
}

// removeFiles removes the files that are no part of the log, in the order in which
// they are given. Those that begin behind the snapshot are gone for certain before
// any that holds what comes before them.
func (s *DiskStorage) removeFiles(removed []walcore.Problem, byName map[string]*segment) error {
	if err := s.dir.Remove(newMetaName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for i, p := range removed {
		if p.Kind == walcore.KindReplaced || p.Kind == walcore.KindTorn {
			p.Message += ": file removed"
			s.report(p)
		}
		if err := s.remove(byName[p.File]); err != nil {
			return err
		}
		if last := i == len(removed)-1; last || p.Index > s.meta.snapIndex {
			if err := s.syncDir(); err != nil {
				return err
			}
		}
	}
	return nil
}

// prepareFiles makes the files of the log ready to be written to. What is behind
// the kept slots is set to 0 before new slots are written that would make it a part
// of the log again.
func (s *DiskStorage) prepareFiles(p *dgraph.Recovery) error {
	for _, g := range s.segments {
		g.tail, g.reserved = g.end, g.end
	}
	g := s.current()
	for _, d := range p.Dropped {
		d.Message = "dropped from here on: " + d.Message
		s.report(d)
		at := int64(g.slots() * format.SlotSize)
		if _, err := g.f.WriteAt(make([]byte, min(g.size, format.SlotTableSize)-at), at); err != nil {
			return g.slotErr(g.slots(), err)
		}
		if err := s.flushFile(g); err != nil {
			return err
		}
	}
	if g != nil && g.cipher != nil {
		var err error
		if g.tail, err = g.behindCiphertext(g.end); err != nil {
			return err
		}
		g.reserved = g.tail
	}
	return nil
}
