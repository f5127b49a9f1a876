package storage

import (
	"fmt"
	"runtime/trace"

	"github.com/walfs/walfs/meta"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"go.etcd.io/raft/v3/raftpb"
)

// emptying is a note in wal.meta: the payloads up to the entry with this index
// and term are being emptied. Index 0 says that none are.
type emptying struct{ index, term uint64 }

// TruncateEntriesUntil empties the normal entries below index: they stay in the
// log, without data. Conf changes keep theirs. The bytes of an emptied payload
// stay in the file, but nothing leads to them any more.
//
// First a note is made in wal.meta. Then, file by file, the checksums of these
// entries are removed, for they would no longer be right, and the lengths of
// their payloads are set to 0. At last the note is removed. Each step is on disk
// before the next begins.
//
// A crash leaves some of the entries emptied, and the note: Open empties the
// rest. Readers do not wait: they see an entry with its data, or empty.
func (s *DiskStorage) TruncateEntriesUntil(index uint64) error {
	defer trace.StartRegion(s.ctx, "walcore.TruncateEntriesUntil").End()
	if err := s.beginWrite(); err != nil {
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

// PayloadsBelow counts the normal entries that have data, from index from up to,
// but without, index index, and the bytes of these data: what
// TruncateEntriesUntil(index) would empty.
func (s *DiskStorage) PayloadsBelow(from, index uint64) (entries int, size int64, err error) {
	defer trace.StartRegion(s.ctx, "walcore.PayloadsBelow").End()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.err != nil {
		return 0, 0, s.err
	}
	for _, g := range s.segments {
		for i := range g.slots() {
			slot := g.slot(i)
			if slot.Index < from || slot.Index >= index || slot.Type != raftpb.EntryType_EntryNormal {
				continue
			}
			n, err := g.readLength(i)
			if err != nil {
				return 0, 0, err
			}
			if n > 0 && !g.beingEmptied(i) {
				entries++
				size += int64(n)
			}
		}
	}
	return entries, size, nil
}

// emptyUpTo empties the normal entries up to index last. The note is on disk.
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

// finishEmptying goes on where a crash has stopped TruncateEntriesUntil. A note
// about an entry that is not in the log means nothing any more: Dgraph, which
// does not know of such notes, has written to the log since.
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
	s.report(walcore.FileProblem(format.MetaName, walcore.KindEmptying, fmt.Sprintf(
		"payloads up to entry %d were being emptied when a crash came: the rest of them is emptied", e.index)).OfEntry(e.index))
	return s.emptyUpTo(e.index)
}

// dropSums removes the checksums of the normal entries in the file's first n
// slots.
func (s *DiskStorage) dropSums(g *segment, n int) error {
	table := g.encode(g.slots())
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
		return g.fileErr(err)
	}
	if err := s.flushFile(g); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, open := g.slotTable.(*openTable); open {
		g.setTable(&openTable{table})
	} else {
		g.setTable(packTable(table))
	}
	return nil
}

// zeroLengths sets the lengths of the payloads in the file's first n slots to 0,
// those of normal entries. From before the first write until after the last
// flush, readers take these entries for empty without a look at the disk, where
// the lengths are wrong in between.
func (s *DiskStorage) zeroLengths(g *segment, n int) error {
	var offsets []int64
	for i := range n {
		if !g.canBeEmptied(i) {
			continue
		}
		length, err := g.readLength(i)
		if err != nil {
			return err
		}
		if length != 0 {
			offsets = append(offsets, g.offset(i))
		}
	}
	if len(offsets) == 0 {
		return nil
	}
	s.setEmptying(g, n)
	for _, step := range planZeros(offsets) {
		for _, w := range step {
			if _, err := g.f.WriteAt(w.b, w.at); err != nil {
				return g.fileErr(err)
			}
		}
		if err := s.flushFile(g); err != nil {
			return err
		}
	}
	s.setEmptying(g, 0)
	return nil
}

// setEmptying tells readers that the payloads in the first n slots are being
// emptied. n is 0 when they all are.
func (s *DiskStorage) setEmptying(g *segment, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.emptying = n
	if n > 0 {
		g.nonEmpty.Store(0)
	}
}

// sector is what a disk writes as a whole or not at all.
const sector = 512

// fileWrite is a write that is planned: bytes, and the offset they go to.
type fileWrite struct {
	at int64
	b  []byte
}

// planZeros plans how the length words at these offsets become 0: in steps, each
// of which must be on disk before the next one begins.
//
// A word within one sector takes one write. A word that lies across two sectors
// could reach the disk by half, and then be the length of a part of the payload.
// It takes three: first its bytes in the first sector, the high ones, become so
// large that no file has such a payload, which a reader finds damaged, not short;
// then those in the second sector become 0; then those in the first.
func planZeros(offsets []int64) [][]fileWrite {
	var high, low, last []fileWrite
	for _, off := range offsets {
		inFirst := min(sector-off%sector, format.LengthSize) // bytes of the word
		if inFirst < format.LengthSize {
			high = append(high, fileWrite{off, []byte{0xff, 0xff, 0xff}[:inFirst]})
			low = append(low, fileWrite{off + inFirst, zeros[:format.LengthSize-inFirst]})
		}
		last = append(last, fileWrite{off, zeros[:inFirst]})
	}
	if len(high) == 0 {
		return [][]fileWrite{last}
	}
	return [][]fileWrite{high, low, last}
}
