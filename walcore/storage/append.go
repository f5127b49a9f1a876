package storage

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
	"go.etcd.io/raft/v3/raftpb"
)

// keepBuffer is how large buffers may be that stay allocated between calls, and
// how much of a Save's payloads is gathered before it is written.
const keepBuffer = 1 << 20

// part is what an append puts into one file.
type part struct {
	g     *segment
	slots []byte
}

// appendEntries writes entries that continue the log, or replace its end, and
// flushes them: all payloads, then the slots of one file after the other. A batch
// for which the current file has room takes one write and one flush for the
// payloads, and one of each for the slots. With checksums the flush between the
// two is left out.
//
// A crash leaves the log with the entries up to some index, for a slot is on disk
// only when its payload and all slots in earlier files are. Within a file some
// slots can be there while others before them are not. The log then ends at the
// first one that is missing, and Open clears the rest. With checksums a slot can
// also be there without its payload. The log ends there in the same way.
func (s *DiskStorage) appendEntries(entries []*raftpb.Entry) error {
	if index := entries[0].GetIndex(); index <= s.logLast() {
		if err := s.rewind(index); err != nil {
			return err
		}
	}
	parts, err := s.writePayloads(entries)
	if err != nil {
		return s.poison(err)
	}
	if err := s.writeSlots(parts); err != nil {
		return s.poison(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range parts {
		if g := s.current(); p.g != g {
			if g != nil {
				// New memory would take longer than all the rest.
				p.g.setTable(&openTable{g.pack()})
				g.f.Map(0)
			}
			s.segments = append(s.segments, p.g)
		}
		p.g.appendSlots(p.slots)
		p.g.end = p.g.tail
	}
	s.count.entries.Add(uint64(len(entries)))
	return nil
}

// reserveFirst makes sure of disk space for what goes into the file that exists
// already. A full disk is found out here, before anything has changed: the
// storage goes on working then, and the call can be made again.
func (s *DiskStorage) reserveFirst(entries []*raftpb.Entry) error {
	g := s.current()
	if g == nil || entries[0].GetIndex() <= s.logLast() {
		return nil
	}
	_, tail := s.capacity(g, g.slots(), entries)
	err := g.reserve(tail)
	if err == nil || platform.IsNoSpace(err) {
		return err
	}
	return s.poison(err)
}

// writePayloads writes the payloads, into new files where the current one is
// full. The slots of each file are encoded, but not written.
func (s *DiskStorage) writePayloads(entries []*raftpb.Entry) ([]part, error) {
	s.slots = s.slots[:0]
	if need := len(entries) * format.SlotSize; cap(s.slots) < need {
		s.slots = make([]byte, 0, need)
	}
	parts := s.parts[:0]
	g, slots := s.current(), 0
	if g != nil {
		slots = g.slots()
	}
	for len(entries) > 0 {
		n, tail := 0, int64(0)
		if g != nil {
			n, tail = s.capacity(g, slots, entries)
		}
		if n == 0 {
			var err error
			if g, err = s.nextFile(g, len(parts) > 0); err != nil {
				return nil, err
			}
			slots = 0
			continue
		}
		from := len(s.slots)
		if err := s.writePart(g, entries[:n], tail); err != nil {
			return nil, err
		}
		parts = append(parts, part{g: g, slots: s.slots[from:]})
		entries = entries[n:]
		slots += n
	}
	s.parts = parts
	return parts, nil
}

// nextFile begins the file after g, which takes no more, or the first one. staged
// says that entries of this append are in g already.
func (s *DiskStorage) nextFile(g *segment, staged bool) (*segment, error) {
	if g != nil && !staged && g.entries() == 0 {
		if err := s.discardCurrent(); err != nil {
			return nil, err
		}
		g = nil
	}
	return s.rotate(g, staged)
}

// writePart writes the payloads of entries that all go into one file, and end at
// the offset tail there.
func (s *DiskStorage) writePart(g *segment, entries []*raftpb.Entry, tail int64) error {
	if err := g.reserve(tail); err != nil {
		return err
	}
	if s.opts.Sync == SyncAlways {
		if err := g.writeAhead(tail); err != nil {
			return err
		}
	}
	return s.writeEntries(g, entries)
}

// writeEntries writes the entries' payloads at the file's tail and adds their
// slots to s.slots.
func (s *DiskStorage) writeEntries(g *segment, entries []*raftpb.Entry) error {
	s.buf = s.buf[:0]
	at := g.tail // where s.buf goes
	for _, e := range entries {
		data := e.GetData()
		from := len(s.buf)
		offset := at + int64(from)
		s.buf = binary.BigEndian.AppendUint32(s.buf, uint32(len(data)))
		s.buf = append(s.buf, data...)
		stored := s.buf[from:]
		if g.cipher != nil {
			iv := g.header.IV(uint64(offset))
			cipher.NewCTR(g.cipher, iv[:]).XORKeyStream(stored[format.LengthSize:], stored[format.LengthSize:])
		}
		slot := format.Slot{Term: e.GetTerm(), Index: e.GetIndex(), Offset: uint64(offset), Type: e.GetType()}
		n := len(s.slots)
		s.slots = s.slots[:n+format.SlotSize]
		format.EncodeSlot(s.slots[n:], slot)
		if s.opts.Checksums {
			slot.Sum = format.ChecksumAt(s.slots[n:], stored)
			format.EncodeSlot(s.slots[n:], slot)
		}
		if len(s.buf) >= keepBuffer {
			if err := s.writeBuffer(g, at); err != nil {
				return err
			}
			at = g.tail
		}
	}
	return s.writeBuffer(g, at)
}

// writeBuffer writes s.buf at the file's tail and moves the tail behind it.
func (s *DiskStorage) writeBuffer(g *segment, at int64) error {
	if len(s.buf) > 0 {
		if _, err := g.f.WriteAt(s.buf, at); err != nil {
			return g.fileErr(err)
		}
		g.dirty = true
		g.tail = at + int64(len(s.buf))
		s.count.bytes.Add(uint64(len(s.buf)))
	}
	s.buf = s.buf[:0]
	if cap(s.buf) > 2*keepBuffer {
		s.buf = nil
	}
	return nil
}

// writeSlots flushes the parts' payloads, all at the same time. Then it writes
// and flushes their slots, one file after the other: a later file's first slot
// says that the files before are complete.
func (s *DiskStorage) writeSlots(parts []part) error {
	always := s.opts.Sync == SyncAlways
	if always && !s.opts.Checksums {
		if err := s.flushParts(parts); err != nil {
			return err
		}
	}
	for i, p := range parts {
		if err := s.writeTable(p.g, p.slots); err != nil {
			return walcore.SlotError(p.g.name, p.g.slots(), err)
		}
		p.g.dirty = true
		if always || i < len(parts)-1 {
			if err := s.flushFile(p.g); err != nil {
				return err
			}
		}
	}
	return nil
}

// fewSlots is up to how many slots storing to mapped memory, which may take a
// page fault, costs less than a system call.
const fewSlots = 8

// writeTable writes slots behind those that the file has.
func (s *DiskStorage) writeTable(g *segment, slots []byte) error {
	at := g.slots() * format.SlotSize
	if s.opts.Sync == SyncManual && len(slots) <= fewSlots*format.SlotSize {
		if table := g.f.Map(format.SlotTableSize); table != nil {
			return storeErr(storeSlots(table, at, slots), g.f, slots, int64(at))
		}
	}
	_, err := g.f.WriteAt(slots, int64(at))
	return err
}

func (s *DiskStorage) flushParts(parts []part) error {
	if len(parts) == 1 {
		return s.flushFile(parts[0].g)
	}
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	for i, p := range parts {
		wg.Go(func() { errs[i] = s.flushFile(p.g) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
