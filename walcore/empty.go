package walcore

import (
	"encoding/binary"
	"runtime/trace"

	"go.etcd.io/raft/v3/raftpb"
)

// TruncateEntriesUntil empties the normal entries below index: they stay in
// the log, without data. Conf changes keep theirs. The bytes of a payload stay
// in the file, out of reach.
//
// A crash leaves some of them emptied. First the checksums that will not hold
// any more are taken away, for good, then the lengths are set to 0.
func (s *DiskStorage) TruncateEntriesUntil(index uint64) error {
	defer trace.StartRegion(s.ctx, "walcore.TruncateEntriesUntil").End()
	if err := s.begin(); err != nil {
		return err
	}
	defer s.write.Unlock()
	for _, g := range s.segments {
		n := 0
		if first := g.first(); first > 0 && first < index {
			n = g.dead + int(min(index-first, uint64(g.entries())))
		}
		if n == 0 {
			continue
		}
		if err := s.dropSums(g, n); err != nil {
			return s.poison(err)
		}
		if err := s.zeroLengths(g, n); err != nil {
			return s.poison(err)
		}
	}
	return nil
}

// dropSums takes the checksums of the file's first n normal entries away.
func (s *DiskStorage) dropSums(g *segment, n int) error {
	table := append([]byte(nil), g.table...)
	changed := false
	for i := range n {
		if slot := g.slot(i); slot.Type == raftpb.EntryType_EntryNormal && slot.Sum != 0 {
			slot.Sum = 0
			EncodeSlot(table[i*SlotSize:], slot)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	if _, err := g.f.WriteAt(table[:n*SlotSize], 0); err != nil {
		return g.fail(-1, err)
	}
	if err := s.flushFile(g); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g.table = table
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
	var length [LengthSize]byte
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
		case off%sector > sector-LengthSize:
			across = append(across, off)
		default:
			whole = append(whole, off)
		}
	}
	// Readers wait: between the steps they would find damage.
	s.mu.Lock()
	defer s.mu.Unlock()
	high := func(off int64) int64 { return sector - off%sector }
	steps := []func(off int64) (b []byte, at int64){
		func(off int64) ([]byte, int64) { return []byte{0xff, 0xff, 0xff}[:high(off)], off },
		func(off int64) ([]byte, int64) { return make([]byte, LengthSize-high(off)), off + high(off) },
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
		if _, err := g.f.WriteAt(make([]byte, LengthSize), off); err != nil {
			return g.fail(-1, err)
		}
	}
	if len(whole) == 0 {
		return nil
	}
	return s.flushFile(g)
}
