package storage

import (
	"errors"
	"fmt"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// foundFile is a log file as Open finds it.
type foundFile struct {
	*segment
	bad   string // why the slot behind the last sound one is not sound; "": it is empty
	stale bool   // there is something in the slot table behind the sound slots
}

// readSegments opens log files and scans their slots, from the first on as far
// as they are sound.
func (s *DiskStorage) readSegments(names []string) ([]*foundFile, error) {
	var found []*foundFile
	room := make([]byte, format.SlotTableSize)
	for _, name := range names {
		id, _ := format.ParseFileName(name)
		f, err := s.dir.Open(name)
		if err != nil {
			return nil, err
		}
		g := &foundFile{segment: &segment{id: id, name: name, f: f, slotTable: &openTable{}}}
		found = append(found, g)
		s.open[g.segment] = true
		if g.size, err = f.Size(); err != nil {
			return nil, err
		}
		if err := g.scan(room, &s.meta); err != nil {
			return nil, err
		}
		if g.slots() == 0 {
			continue
		}
		if err := s.keys.check(g.header, s.opts.Plain); err != nil {
			return nil, g.failKey(err)
		}
	}
	return found, nil
}

func (g *foundFile) failKey(err error) error {
	return walcore.FileError(g.name, err).At(format.KeyHeaderAt)
}

// scan reads the slot table, into room first, and the key header. Indexes up
// to that of the snapshot may be missing.
func (g *foundFile) scan(room []byte, m *metaFile) error {
	table := room[:min(g.size, format.SlotTableSize)/format.SlotSize*format.SlotSize]
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
		if g.bad = g.misfit(n, prev, slot); g.bad != "" {
			break
		}
		if jump {
			g.obsolete = n
		}
		prev = slot
		n++
	}
	g.stale = !format.AllZero(table[n*format.SlotSize:])
	g.setTable(packTable(table[:n*format.SlotSize]))
	return g.settleEnd(m.emptying)
}

// misfit says why a slot cannot follow the one before.
func (g *foundFile) misfit(i int, prev, s format.Slot) string {
	switch {
	case s.Index > format.MaxNumber || s.Term > format.MaxNumber:
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

// settleEnd finds where the last payload ends. Slots whose payload the file
// has no room for are not sound, unless it is one that is being emptied.
func (g *foundFile) settleEnd(e emptying) error {
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
		g.cut(n-1, errors.Unwrap(err).Error())
	}
	return nil
}

// cut takes the slots from n on for unsound.
func (g *foundFile) cut(n int, why string) {
	g.bad, g.stale = why, true
	g.obsolete = min(g.obsolete, n)
	g.setTable(g.prefix(n))
}

// verdict is what Open makes of the log files.
type verdict struct {
	keep, replaced, drop []*foundFile // replaced: by the snapshot; drop: without a sound slot
}

// judge decides, without changing anything on disk, which files are the log.
func (s *DiskStorage) judge(found []*foundFile) (*verdict, error) {
	v := &verdict{}
	for _, g := range found {
		if g.entries() == 0 {
			v.drop = append(v.drop, g)
		} else {
			v.keep = append(v.keep, g)
		}
	}
	sort.Slice(v.keep, func(i, j int) bool { return v.keep[i].first() < v.keep[j].first() })
	s.judgeSnapshot(v)
	if err := s.judgeOrder(v); err != nil {
		return nil, err
	}
	return v, s.judgeTail(v)
}

// judgeSnapshot sorts out the files that the snapshot has replaced: those that
// end below it, and all if they have another term at its index.
func (s *DiskStorage) judgeSnapshot(v *verdict) {
	snap := s.meta.snapIndex
	if snap == 0 || len(v.keep) == 0 {
		return
	}
	k, another := 0, false
	for i, g := range v.keep {
		switch {
		case g.last() < snap:
			k = i + 1
		case g.first() <= snap:
			another = another || g.term(g.slotOf(snap)) != s.meta.snapTerm
		case g.first() == snap+1 && i == k:
			another = another || g.term(g.obsolete) < s.meta.snapTerm
		}
	}
	if another {
		k = len(v.keep)
	}
	v.replaced, v.keep = v.keep[:k], v.keep[k:]
}

// judgeOrder refuses holes and overlaps.
func (s *DiskStorage) judgeOrder(v *verdict) error {
	for i, g := range v.keep {
		want, term := s.meta.snapIndex+1, uint64(0)
		if i > 0 {
			want, term = v.keep[i-1].last()+1, v.keep[i-1].term(v.keep[i-1].slots()-1)
		}
		problem := ""
		switch first := g.first(); {
		case i == 0 && (s.meta.snapIndex == 0 || first <= want):
		case i > 0 && first == want && g.term(g.obsolete) >= term:
		case first > want:
			problem = fmt.Sprintf("entries %d to %d are missing before it", want, first-1)
		case first < want:
			problem = fmt.Sprintf("%s holds entries up to %d, this file begins at %d", v.keep[i-1].name, want-1, first)
		default:
			problem = fmt.Sprintf("term %d after term %d in %s", g.term(g.obsolete), term, v.keep[i-1].name)
		}
		if problem != "" {
			return g.slotErr(0, fmt.Errorf("%s: %w; the reader shows what is left", problem, walcore.ErrDamaged))
		}
	}
	return nil
}

// judgeTail finds the log's end: in the last file, which alone can have been
// written to when a crash came, checksums count too. What is behind the first
// unsound slot was never acknowledged, unless the commit index says so.
func (s *DiskStorage) judgeTail(v *verdict) error {
	if k := len(v.keep) - 1; k >= 0 {
		if err := s.checkSums(v.keep[k]); err != nil {
			return err
		}
		if v.keep[k].entries() == 0 {
			v.drop, v.keep = append(v.drop, v.keep[k]), v.keep[:k]
		}
	}
	last, suspects := s.meta.snapIndex, v.drop
	if k := len(v.keep) - 1; k >= 0 {
		last = max(last, v.keep[k].last())
		suspects = append([]*foundFile{v.keep[k]}, suspects...)
	}
	for _, g := range suspects {
		if g.stale && last < s.meta.hard.commit {
			return g.slotErr(g.slots(), fmt.Errorf("%s, but entries up to %d are committed: %w; the reader shows what is left",
				g.why(), s.meta.hard.commit, walcore.ErrDamaged))
		}
	}
	return nil
}

// why says why the sound slots end where something is behind them.
func (g *foundFile) why() string {
	if g.bad == "" {
		return "the slot is empty and slots behind it are not"
	}
	return g.bad
}

// checkSums cuts a file off at the first entry that fails its checksum.
func (s *DiskStorage) checkSums(g *foundFile) error {
	i := g.obsolete
	if snap := s.meta.snapIndex; g.first() <= snap {
		i = min(g.slotOf(snap)+1, g.slots())
	}
	var raw [format.SlotSize]byte
	for i < g.slots() {
		if g.slot(i).Sum == 0 {
			i++
			continue
		}
		k, buf, err := g.window(i, g.slots()-i, readWindow)
		if err != nil {
			return err
		}
		start := g.offset(i)
		for end := i + k; i < end; i++ {
			if _, err := g.payload(i, g.slot(i), &raw, buf, start); errors.Is(err, walcore.ErrDamaged) {
				g.cut(i, errors.Unwrap(err).Error())
				return g.settleEnd(s.meta.emptying)
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}
