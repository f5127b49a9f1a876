package storage

import (
	"errors"
	"fmt"
	"runtime/trace"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// Rewind drops the entries after index. It fails with [walcore.ErrRefused], and
// drops nothing, where that would break what Raft has promised: below the commit
// index, the checkpoint or the snapshot; and where nothing would be left that
// says where the log goes on, as in a log that begins behind index 1 and has no
// snapshot, if all its entries were dropped.
//
// A crash leaves the log with the entries up to index, or with some or all of
// those that were to be dropped.
func (s *DiskStorage) Rewind(index uint64) error {
	defer trace.StartRegion(s.ctx, "walcore.Rewind").End()
	if err := s.beginWrite(); err != nil {
		return err
	}
	defer s.write.Unlock()
	if index >= s.lastIndex() {
		return nil
	}
	refuse := func(format string, at uint64) error {
		return fmt.Errorf("rewind to %d: %s: %w", index, fmt.Sprintf(format, at), walcore.ErrRefused)
	}
	_, err := s.term(index)
	switch st := s.meta.state(); {
	case index < s.meta.snapIndex:
		return refuse("the snapshot stands for the entries up to %d", s.meta.snapIndex)
	case err != nil:
		return refuse("the log begins at %d, and there is no snapshot of what was before: it would be lost where the log goes on", s.firstIndex())
	case index < st.Commit:
		return refuse("entries up to %d are committed", st.Commit)
	case index < st.Checkpoint:
		return refuse("entries up to %d are applied", st.Checkpoint)
	}
	return s.rewind(index + 1)
}

// rewind drops the entries from index on, which is in the log.
//
// A crash leaves the log with the entries up to some index, index-1 at least.
func (s *DiskStorage) rewind(index uint64) error {
	plan, err := s.planRewind(index)
	if err != nil {
		return err
	}
	s.log.Debug("log rewritten", "dir", s.path, "from", index, "last", s.logLast(), "file", plan.file.name, "files_removed", len(plan.later))
	if err := s.applyRewind(plan); err != nil {
		return s.poison(err)
	}
	return nil
}

// rewindPlan is what has to be done to drop the end of the log.
type rewindPlan struct {
	file  *segment   // the file that the log ends in then
	slot  int        // its first slot that is dropped
	end   int64      // where the payload before that slot ends
	tail  int64      // where the next payload goes
	later []*segment // the files after it, which are removed
}

// planRewind plans to drop the entries from index on. It changes nothing.
func (s *DiskStorage) planRewind(index uint64) (rewindPlan, error) {
	k := s.segmentOf(index)
	g := s.segments[k]
	p := rewindPlan{file: g, slot: g.slotOf(index), end: format.PayloadAt, later: s.segments[k+1:]}
	var err error
	if last := p.slot - 1; last >= 0 {
		if p.end, err = g.payloadEnd(last); err != nil {
			return p, err
		}
		// A wrong length could be recognised by the next payload's offset up to
		// now. Once that is dropped, it could not be any more.
		if err := g.checkLength(s.segments, last, p.end-g.offset(last)-format.LengthSize); err != nil {
			return p, err
		}
	}
	p.tail = p.end
	if g.cipher != nil {
		p.tail, err = g.behindCiphertext(p.end)
	}
	return p, err
}

// applyRewind does what is planned. Files are removed from the newest on, and
// each removal is on disk before the next, so that a crash leaves no hole in the
// log. Then the slots are set to 0, on disk before anything is written in place
// of the payloads: a slot that came back would name another entry's payload.
// Where a crash leaves only some of the slots 0, Open clears the rest.
func (s *DiskStorage) applyRewind(p rewindPlan) error {
	g := p.file
	blank := make([]byte, (g.slots()-p.slot)*format.SlotSize)
	kept := &openTable{g.encode(p.slot)}

	s.mu.Lock()
	s.segments = s.segments[:len(s.segments)-len(p.later)]
	g.setTable(kept)
	g.end = p.end
	g.nonEmpty.Store(0)
	s.mu.Unlock()
	g.tail, g.reserved, g.zeroed = p.tail, p.tail, p.tail

	for j := len(p.later) - 1; j >= 0; j-- {
		if err := errors.Join(s.remove(p.later[j]), s.syncDir()); err != nil {
			return err
		}
	}
	if _, err := g.f.WriteAt(blank, int64(p.slot)*format.SlotSize); err != nil {
		return g.slotErr(p.slot, err)
	}
	return s.flushFile(g)
}
