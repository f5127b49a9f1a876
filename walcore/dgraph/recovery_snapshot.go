package dgraph

import (
	"fmt"

	"github.com/walfs/walfs/walcore"
)

// dropReplaced finds the files that the snapshot has replaced: those that end
// before it, and, where the log has other entries than those that the snapshot stands
// for, all. Compaction and a snapshot from another node leave them when a crash comes.
//
// A damaged term looks like other entries, too. But these were never committed, so
// that no later leader has built on them: where a log really has others, their terms
// are below the snapshot's, to the log's end.
func (p *recovery) dropReplaced() error {
	if p.snapIndex == 0 || len(p.log) == 0 {
		return nil
	}
	below := 0
	for below < len(p.log) && p.log[below].last() < p.snapIndex {
		below++
	}
	other, err := p.hasOthers(below)
	if err != nil {
		return err
	}
	if !other {
		p.replace(p.log[:below])
		p.log = p.log[below:]
		return nil
	}
	last := p.log[len(p.log)-1]
	switch term := last.lastTerm(); {
	case term >= p.snapTerm:
		return p.refuseOthers(below, "but entry %d is of term %d: one of them is damaged", last.last(), term)
	case max(p.commit, p.checkpoint) > p.snapIndex:
		return p.refuseOthers(below, "and %s: one of them is damaged", p.committedText())
	case !p.believed(term):
		return p.refuseOthers(below, "and the hard state's term is %d, below the log's: what is behind the snapshot may be committed", p.meta.HardState.GetTerm())
	}
	// Those behind the snapshot go first, the newest of them first: without the file
	// that has the snapshot's own index they would look like its continuation.
	k := len(p.log)
	for k > 0 && p.log[k-1].first() > p.snapIndex {
		k--
		p.replace(p.log[k : k+1])
	}
	p.replace(p.log[:k])
	p.log = nil
	return nil
}

// hasOthers reports whether the log has other entries than those that the snapshot
// stands for, or was written behind such. below is how many files end before it.
func (p *recovery) hasOthers(below int) (bool, error) {
	for i, f := range p.log {
		if f.first() > p.snapIndex {
			return i == below && f.first() == p.snapIndex+1 && f.Term(f.Obsolete) < p.snapTerm, nil
		}
		at := f.Slots - 1
		if f.last() > p.snapIndex {
			at = f.Obsolete + int(p.snapIndex-f.first())
		}
		if term := f.Term(at); term > p.snapTerm {
			return false, p.refuse(atSlot(f.LogFile, at), "term %d, but the snapshot at index %d is of term %d: one of them is damaged",
				term, p.snapIndex, p.snapTerm)
		} else if f.Index(at) == p.snapIndex && term < p.snapTerm {
			return true, nil
		}
	}
	return false, nil
}

// refuseOthers refuses to take the log for one that the snapshot has replaced.
func (p *recovery) refuseOthers(below int, text string, args ...any) error {
	f := p.log[below]
	at := f.Obsolete
	if f.first() <= p.snapIndex {
		at += int(p.snapIndex - f.first())
	}
	return p.refuse(atSlot(f.LogFile, at), "term %d, but the snapshot at index %d is of term %d, %s",
		f.Term(at), p.snapIndex, p.snapTerm, fmt.Sprintf(text, args...))
}

// replace says that files are replaced by the snapshot.
func (p *recovery) replace(files []*foundFile) {
	for _, f := range files {
		p.plan.Removed = append(p.plan.Removed, walcore.FileProblem(f.Name, walcore.KindReplaced, fmt.Sprintf(
			"entries %d to %d are replaced by the snapshot at index %d, term %d", f.first(), f.last(), p.snapIndex, p.snapTerm)).OfEntry(f.first()))
	}
}
