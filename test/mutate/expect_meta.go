//go:build linux

package mutate

import (
	"math"
	"path/filepath"
)

// meta compares what wal.meta says with the log and with itself.
func (x *expectation) meta(now *image) {
	l := x.base.layout
	if now.size < metaHeadSize+int64(l.meta.snapshotSize) {
		x.see("%s is cut", metaName)
		return
	}
	m := decodeMeta(now)
	if len(l.files) == 0 && m.isNew() {
		return // so it looks in a directory to which nothing was written yet
	}
	switch {
	case m.hard == nil:
		x.see("the hard state does not parse")
	case m.hard.GetTerm() == 0 && l.lastTerm() == 1 && m.hard.GetVote() == 0 && m.hard.GetCommit() == 0 && m.checkpoint == 0 && m.snapshotIndex == 0:
		// A log of the first term to which no node has ever stored a hard state.
	case m.hard.GetTerm() < l.lastTerm():
		x.see("the hard state's term %d is below an entry's or the snapshot's, %d", m.hard.GetTerm(), l.lastTerm())
	case m.hard.GetCommit() > l.lastIndex():
		x.see("the commit index %d is beyond the log's end at %d", m.hard.GetCommit(), l.lastIndex())
	case m.hard.GetCommit() < m.snapshotIndex:
		x.see("the commit index %d is below the snapshot's, %d", m.hard.GetCommit(), m.snapshotIndex)
	case m.checkpoint > m.hard.GetCommit():
		x.see("the checkpoint %d is above the commit index %d", m.checkpoint, m.hard.GetCommit())
	}
	x.note(m.noteIndex, m.noteTerm)
	md := m.snapshot.GetMetadata()
	switch {
	case m.snapshotSize > 0 && m.snapshot == nil:
		x.see("the snapshot does not parse")
	case m.snapshotIndex != md.GetIndex() || m.snapshotTerm != md.GetTerm():
		x.see("the snapshot's index or term is not what is announced")
	}
}

// readVoted reads the hard state's term. It is unbounded where that cannot be read.
func (x *expectation) readVoted() error {
	x.voted = math.MaxUint64
	now, err := readImage(filepath.Join(x.dir, metaName))
	if err == nil && now.size >= metaHeadSize {
		if m := decodeMeta(now); m.hard.GetTerm() > 0 {
			x.voted = m.hard.GetTerm()
		}
	}
	return err
}

// isNew reports whether nothing was ever stored.
func (m metaFields) isNew() bool {
	hs := m.hard
	return hs != nil && hs.GetTerm() == 0 && hs.GetVote() == 0 && hs.GetCommit() == 0 && m.checkpoint == 0 &&
		m.snapshotIndex == 0 && m.snapshotTerm == 0 && m.snapshotSize == 0
}

// note allows for what a note of emptying makes a writer do, where it fits the log.
func (x *expectation) note(index, term uint64) {
	if was, ok := x.base.truth[index]; !ok || was.term != term {
		return
	}
	for below := range x.base.truth {
		if below <= index {
			x.allow(below, may{data: true})
		}
	}
}

// wholeFile judges what was done to a whole file.
func (x *expectation) wholeFile(e Edit) error {
	switch e.Op {
	case opReplace:
		x.mayOld = true
	case opCopy:
		x.see("%s and %s hold the same entries", e.File, e.To)
	case opRename:
		if e.To == e.File+".bak" {
			x.missing(e.File)
		}
	case opRemove:
		x.missing(e.File)
	}
	return nil
}

// missing judges that a file is gone.
func (x *expectation) missing(name string) {
	l := x.base.layout
	if name == metaName || name == registryName {
		x.see("%s is missing", name)
		return
	}
	for i, f := range l.files {
		switch {
		case f.name != name:
		case i == len(l.files)-1:
			// Nothing but the commit index tells that there was more.
			if i == 0 && l.meta.hard.GetCommit() > l.meta.snapshotIndex || l.meta.hard.GetCommit() >= f.slots[0].index {
				x.see("committed entries are missing")
			}
		case i > 0 && l.files[i+1].slots[0].index > l.meta.snapshotIndex+1:
			x.see("entries between others are missing")
		case i == 0 && (l.meta.snapshotIndex == 0 || l.files[1].slots[0].index > l.meta.snapshotIndex+1):
			x.see("the log's first entries are missing")
		}
	}
}
