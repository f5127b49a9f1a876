package storage

import (
	"errors"
	"fmt"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// scannedFile is a log file as Open finds it. Its segment has the slots up to
// the first one that is empty or invalid.
type scannedFile struct {
	*segment
	invalid  string // what is wrong with the slot behind those; "": it is empty
	leftover bool   // that slot, or one behind it, is not empty
}

// whyEnded says why the valid slots end where something is behind them.
func (g *scannedFile) whyEnded() string {
	if g.invalid == "" {
		return "the slot is empty and slots behind it are not"
	}
	return g.invalid
}

// scanFiles opens log files and reads their slots and key headers. It changes
// nothing.
func (s *DiskStorage) scanFiles(names []string) ([]*scannedFile, error) {
	var files []*scannedFile
	buf := make([]byte, format.SlotTableSize)
	for _, name := range names {
		id, _ := format.ParseFileName(name)
		f, err := s.dir.Open(name)
		if err != nil {
			return nil, err
		}
		g := &scannedFile{segment: &segment{id: id, name: name, f: f, slotTable: &openTable{}}}
		files = append(files, g)
		s.open[g.segment] = true
		if g.size, err = f.Size(); err != nil {
			return nil, err
		}
		if err := g.scan(buf, &s.meta); err != nil {
			return nil, err
		}
		if g.slots() == 0 {
			continue
		}
		if err := s.keys.check(g.header, s.opts.Plain); err != nil {
			return nil, g.keyErr(err)
		}
	}
	return files, nil
}

// keyErr is an error with the file's data key.
func (g *scannedFile) keyErr(err error) error {
	return walcore.FileError(g.name, err).At(format.KeyHeaderAt)
}

// scan reads the slot table, into buf first, and the key header. Indexes below
// the first one after the snapshot may be missing.
func (g *scannedFile) scan(buf []byte, m *metaFile) error {
	table := buf[:min(g.size, format.SlotTableSize)/format.SlotSize*format.SlotSize]
	if _, err := g.f.ReadAt(table, 0); err != nil && len(table) > 0 {
		return g.fileErr(err)
	}
	if g.size >= format.PayloadAt {
		var header [format.KeyHeaderSize]byte
		if _, err := g.f.ReadAt(header[:], format.KeyHeaderAt); err != nil {
			return g.fileErr(err)
		}
		g.header = format.DecodeKeyHeader(header[:])
	}
	n := 0
	var prev format.Slot
	for n < len(table)/format.SlotSize {
		slot := format.DecodeSlot(table[n*format.SlotSize:])
		if slot.Index == 0 {
			break
		}
		jump := n > 0 && slot.Index > prev.Index+1 && slot.Index <= m.snapIndex+1
		if jump {
			prev.Index = slot.Index - 1
		}
		if g.invalid = g.whyInvalid(n, prev, slot); g.invalid != "" {
			break
		}
		if jump {
			g.obsolete = n
		}
		prev = slot
		n++
	}
	g.leftover = !format.AllZero(table[n*format.SlotSize:])
	g.setTable(packTable(table[:n*format.SlotSize]))
	return g.findEnd(m.emptying)
}

// whyInvalid says why a slot cannot be slot i behind the slot prev; "": it can.
func (g *scannedFile) whyInvalid(i int, prev, s format.Slot) string {
	switch {
	case s.Index > walcore.MaxNumber || s.Term > walcore.MaxNumber:
		return fmt.Sprintf("term %d, index %d: no log gets there", s.Term, s.Index)
	case s.Offset < format.PayloadAt || s.Offset > uint64(max(g.size-format.LengthSize, 0)):
		return fmt.Sprintf("data offset %d is not between %d and the file's end at %d", s.Offset, format.PayloadAt, g.size)
	case i == 0:
		return ""
	case s.Index != prev.Index+1:
		return fmt.Sprintf("index %d follows %d", s.Index, prev.Index)
	case s.Term < prev.Term:
		return fmt.Sprintf("term %d follows %d", s.Term, prev.Term)
	case s.Offset < prev.Offset+format.LengthSize:
		return fmt.Sprintf("data offset %d follows %d", s.Offset, prev.Offset)
	}
	return ""
}

// findEnd finds where the last payload ends. A last slot whose payload does not
// lie within the file is invalid, unless the payload is being emptied.
func (g *scannedFile) findEnd(e emptying) error {
	g.end = format.PayloadAt
	for n := g.slots(); n > 0; n-- {
		end, err := g.payloadEnd(n - 1)
		if err == nil {
			g.end = end
			break
		}
		if !errors.Is(err, walcore.ErrDamaged) {
			return err
		}
		if e.covers(g.slot(n - 1)) {
			g.end = g.offset(n-1) + format.LengthSize
			break
		}
		g.truncate(n-1, errors.Unwrap(err).Error())
	}
	return nil
}

// truncate drops the slots from slot n on, which is invalid.
func (g *scannedFile) truncate(n int, why string) {
	g.invalid, g.leftover = why, true
	g.obsolete = min(g.obsolete, n)
	g.setTable(g.prefix(n))
}

// checkSums verifies checksums from slot i on, and drops the slots from the
// first entry on that fails its own.
func (g *scannedFile) checkSums(i int, e emptying) error {
	var scratch [format.SlotSize]byte
	for i < g.slots() {
		if g.slot(i).Sum == 0 {
			i++
			continue
		}
		k, window, err := g.window(i, g.slots()-i, readWindow)
		if err != nil {
			return err
		}
		start := g.offset(i)
		for end := i + k; i < end; i++ {
			if e.covers(g.slot(i)) {
				continue // its length may be on the way to 0
			}
			_, err := g.payload(nil, i, g.slot(i), g.limit(i), &scratch, window, start)
			if errors.Is(err, walcore.ErrDamaged) {
				g.truncate(i, errors.Unwrap(err).Error())
				return g.findEnd(e)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
