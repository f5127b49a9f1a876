package storage

import (
	"fmt"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// recoveryPlan is what Open does to a directory, so that it holds one log, and
// nothing else that could be taken for a part of it.
type recoveryPlan struct {
	createMeta bool           // there is no wal.meta yet
	keep       []*scannedFile // these are the log, in its order
	replaced   []*scannedFile // a snapshot has replaced their entries: removed
	empty      []*scannedFile // they have no entry: removed
}

// planRecovery decides what the directory's log is. It changes nothing, and fails
// with ErrDamaged where anything that was acknowledged is missing or wrong.
func (s *DiskStorage) planRecovery(dir dirFiles) (*recoveryPlan, error) {
	p := &recoveryPlan{createMeta: !dir.meta}
	files, err := s.scanFiles(dir.logs)
	if err != nil {
		return nil, err
	}
	for _, g := range files {
		if g.entries() == 0 {
			p.empty = append(p.empty, g)
		} else {
			p.keep = append(p.keep, g)
		}
	}
	sort.Slice(p.keep, func(i, j int) bool { return p.keep[i].first() < p.keep[j].first() })
	p.planReplaced(&s.meta)
	if err := p.checkOrder(&s.meta); err != nil {
		return nil, err
	}
	if err := p.planEnd(&s.meta); err != nil {
		return nil, err
	}
	if p.createMeta && len(p.keep) > 0 {
		return nil, walcore.FileError(format.MetaName, fmt.Errorf(
			"is missing beside log files with entries: %w; restore it, or copy the log into a new directory", walcore.ErrDamaged))
	}
	return p, nil
}

// planReplaced finds the files that the snapshot has replaced: those that end
// before it, and all if the log has another term than the snapshot at its index.
func (p *recoveryPlan) planReplaced(m *metaFile) {
	snap := m.snapIndex
	if snap == 0 || len(p.keep) == 0 {
		return
	}
	k, another := 0, false
	for i, g := range p.keep {
		switch {
		case g.last() < snap:
			k = i + 1
		case g.first() <= snap:
			another = another || g.term(g.slotOf(snap)) != m.snapTerm
		case g.first() == snap+1 && i == k:
			another = another || g.term(g.obsolete) < m.snapTerm
		}
	}
	if another {
		k = len(p.keep)
	}
	p.replaced, p.keep = p.keep[:k], p.keep[k:]
}

// checkOrder fails where one file's entries do not follow those of the file
// before: where there is a hole, an overlap or a term that goes down.
func (p *recoveryPlan) checkOrder(m *metaFile) error {
	for i, g := range p.keep {
		want, term := m.snapIndex+1, uint64(0)
		if i > 0 {
			before := p.keep[i-1]
			want, term = before.last()+1, before.term(before.slots()-1)
		}
		problem := ""
		switch first := g.first(); {
		case i == 0 && (m.snapIndex == 0 || first <= want):
		case i > 0 && first == want && g.term(g.obsolete) >= term:
		case first > want:
			problem = fmt.Sprintf("entries %d to %d are missing before it", want, first-1)
		case first < want:
			problem = fmt.Sprintf("%s holds entries up to %d, this file begins at %d", p.keep[i-1].name, want-1, first)
		default:
			problem = fmt.Sprintf("term %d after term %d in %s", g.term(g.obsolete), term, p.keep[i-1].name)
		}
		if problem != "" {
			return g.slotErr(0, fmt.Errorf("%s: %w; the reader shows what is left", problem, walcore.ErrDamaged))
		}
	}
	return nil
}

// planEnd finds the log's end. Only the last file can have been written to when a
// crash came, so that in this one checksums count, too. What is behind the last
// valid slot was never acknowledged, unless the commit index says that it was.
func (p *recoveryPlan) planEnd(m *metaFile) error {
	if k := len(p.keep) - 1; k >= 0 {
		g := p.keep[k]
		from := g.obsolete
		if g.first() <= m.snapIndex {
			from = min(g.slotOf(m.snapIndex)+1, g.slots())
		}
		if err := g.checkSums(from, m.emptying); err != nil {
			return err
		}
		if g.entries() == 0 {
			p.empty, p.keep = append(p.empty, g), p.keep[:k]
		}
	}
	last, ends := m.snapIndex, p.empty
	if k := len(p.keep) - 1; k >= 0 {
		last = max(last, p.keep[k].last())
		ends = append([]*scannedFile{p.keep[k]}, ends...)
	}
	for _, g := range ends {
		if g.leftover && last < m.hard.commit {
			return g.slotErr(g.slots(), fmt.Errorf("%s, but entries up to %d are committed: %w; the reader shows what is left",
				g.whyEnded(), m.hard.commit, walcore.ErrDamaged))
		}
	}
	return nil
}
