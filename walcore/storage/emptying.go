package storage

import (
	"encoding/binary"
	"fmt"
	"runtime/trace"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// emptying says that the payloads up to the entry with this index and term are
// being emptied; 0: none are.
type emptying struct{ index, term uint64 }

// TruncateEntriesUntil empties the normal entries below index: they stay in
// the log, without data. Conf changes keep theirs. The bytes of a payload stay
// in the file, out of reach.
//
// First a note of it goes into wal.meta, and last it is taken away. Between the
// two the checksums that will not hold any more are taken away, for good, then
// the lengths are set to 0.
//
// A crash leaves some of the entries emptied, and the note: Open does the rest.
func (s *DiskStorage) TruncateEntriesUntil(index uint64) error {
	defer trace.StartRegion(s.ctx, "walcore.TruncateEntriesUntil").End()
	if err := s.begin(); err != nil {
		return err
	}
	defer s.write.Unlock()
	last := min(index, s.logLast()+1) - 1
	if index == 0 || len(s.segments) == 0 || last < s.segments[0].first() {
		return nil
	}
	if err := s.syncLog(); err != nil { // the note speaks of an entry
		return err
	}
	g, i := s.find(last)
	if err := s.noteEmptying(emptying{last, g.term(i)}); err != nil {
		return err
	}
	return s.emptyUpTo(last)
}

// emptyUpTo empties the normal entries up to last, of which there is a note.
func (s *DiskStorage) emptyUpTo(last uint64) error {
	for _, g := range s.segments {
		if g.entries() == 0 || g.first() > last {
			continue
		}
		n := g.slotOf(min(last, g.last())) + 1
		if err := s.dropSums(g, n); err != nil {
			return s.poison(err)
		}
		if err := s.zeroLengths(g, n); err != nil {
			return s.poison(err)
		}
	}
	return s.noteEmptying(emptying{})
}

func (s *DiskStorage) noteEmptying(e emptying) error {
	if err := s.writeMeta(meta.EncodeEmptying(e.index, e.term), true, func(m *metaFile) { m.emptying = e }); err != nil {
		return err
	}
	return s.flushMeta()
}

// finishEmptying does what a crash has kept TruncateEntriesUntil from doing. A
// note of an entry that is not in the log means nothing any more: Dgraph, which
// does not know of it, has been at work since.
func (s *DiskStorage) finishEmptying() error {
	e := s.meta.emptying
	if e.index == 0 {
		return nil
	}
	if len(s.segments) == 0 || e.index < s.segments[0].first() || e.index > s.logLast() {
		return s.noteEmptying(emptying{})
	}
	if g, i := s.find(e.index); g.term(i) != e.term {
		return s.noteEmptying(emptying{})
	}
	s.found(walcore.Problem{File: format.MetaName, Slot: -1, Index: e.index, Kind: walcore.KindEmptying, Message: fmt.Sprintf(
		"payloads up to entry %d were being emptied when a crash came: the rest of them is emptied", e.index)})
	return s.emptyUpTo(e.index)
}

// covers reports whether the payload of a slot may be one that is being emptied.
func (e emptying) covers(s format.Slot) bool {
	return s.Index <= e.index && s.Term <= e.term && s.Type == raftpb.EntryType_EntryNormal && s.Sum == 0
}

// dropSums takes the checksums of the file's first n normal entries away.
func (s *DiskStorage) dropSums(g *segment, n int) error {
	table := g.onDisk(g.slots())
	changed := false
	for i := range n {
		if slot := g.slot(i); slot.Type == raftpb.EntryType_EntryNormal && slot.Sum != 0 {
			slot.Sum = 0
			format.EncodeSlot(table[i*format.SlotSize:], slot)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	if _, err := g.f.WriteAt(table[:n*format.SlotSize], 0); err != nil {
		return g.fail(-1, err)
	}
	if err := s.flushFile(g); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	packed := g.packed != nil
	g.slotList = slotList{raw: table}
	if packed {
		g.pack()
	}
	return nil
}

// sector is what a disk writes as a whole.
const sector = 512

// zeroLengths empties the file's first n normal entries. A length word that
// lies across two sectors could be written by half, and would then name a part
// of the payload. Such words take three flushes: the half in the first sector,
// which holds the high bytes, is first made too large for any file.
func (s *DiskStorage) zeroLengths(g *segment, n int) error {
	var whole, across []int64
	var length [format.LengthSize]byte
	for i := range n {
		if g.slot(i).Type != raftpb.EntryType_EntryNormal {
			continue
		}
		off := g.offset(i)
		if _, err := g.f.ReadAt(length[:], off); err != nil {
			return g.fail(i, err)
		}
		switch {
		case binary.BigEndian.Uint32(length[:]) == 0:
		case off%sector > sector-format.LengthSize:
			across = append(across, off)
		default:
			whole = append(whole, off)
		}
	}
	// Readers wait: between the steps they would find damage.
	s.mu.Lock()
	defer s.mu.Unlock()
	g.full.Store(0)
	high := func(off int64) int64 { return sector - off%sector }
	steps := []func(off int64) (b []byte, at int64){
		func(off int64) ([]byte, int64) { return []byte{0xff, 0xff, 0xff}[:high(off)], off },
		func(off int64) ([]byte, int64) { return make([]byte, format.LengthSize-high(off)), off + high(off) },
		func(off int64) ([]byte, int64) { return make([]byte, high(off)), off },
	}
	for _, step := range steps {
		for _, off := range across {
			b, at := step(off)
			if _, err := g.f.WriteAt(b, at); err != nil {
				return g.fail(-1, err)
			}
		}
		if len(across) > 0 {
			if err := s.flushFile(g); err != nil {
				return err
			}
		}
	}
	for _, off := range whole {
		if _, err := g.f.WriteAt(make([]byte, format.LengthSize), off); err != nil {
			return g.fail(-1, err)
		}
	}
	if len(whole) == 0 {
		return nil
	}
	return s.flushFile(g)
}
