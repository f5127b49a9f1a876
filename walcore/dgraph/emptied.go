package dgraph

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// Emptying takes the log's files one after the other. So an empty payload may have
// been emptied only if all files before were, to their ends. To find that out takes
// a length of each, and it is asked for few entries.

// mayBeEmptied reports whether slot i's payload is empty, and emptying may have done that.
func (c *sizeCheck) mayBeEmptied(i int) bool {
	return c.lengths[i] == 0 && c.canBeEmptied(i) && !c.found.emptyingEnded
}

// doubtEmptied doubts empty payloads beside damaged lengths: theirs may be lost, too. That
// they were emptied is certain where one further on was, beside which nothing is damaged.
// Behind the first full one nothing was emptied.
func (c *sizeCheck) doubtEmptied() {
	if len(c.damaged) == 0 {
		return
	}
	var entries, sound []int // sound: those with a payload, at which damage ends
	for i := range c.entries.from(c.sound) {
		if full := c.lengths[i] > 0 && !c.isFaulty(i); full && c.canBeEmptied(i) {
			break
		} else if full {
			sound = append(sound, i)
		}
		entries = append(entries, i)
	}
	type place struct {
		behind int // how many sound ones
		block  uint64
	}
	places := func(i int) [2]place {
		behind, _ := slices.BinarySearch(sound, i)
		first, last := format.LengthBlocks(c.slots.Offset(i))
		return [2]place{{behind, first}, {behind, last}}
	}
	damaged := map[place]bool{}
	for _, i := range c.damaged {
		for _, p := range places(i) {
			damaged[p] = true
		}
	}
	for _, i := range slices.Backward(entries) {
		if i >= c.end || c.isFaulty(i) || c.lengths[i] != 0 || !c.canBeEmptied(i) || c.gap(i).Bytes <= 0 {
			continue
		}
		at := places(i)
		switch isLast := i+1 == c.slots.Len() && !c.full; {
		case damaged[at[0]] || damaged[at[1]]:
			c.fault(&c.neighbours, i, walcore.KindLength, "the payload is empty, and lengths beside it are damaged: it was emptied, or its length is lost, too")
		case !isLast: // whose end nothing tells
			return
		}
	}
}

// fullFile is what tells how far a file was emptied that others come after.
type fullFile struct {
	f     file
	size  int64
	slots interface {
		Len() int
		Slot(i int) format.Slot
	}
	entries entrySlots
	emptied atomic.Bool // to its end; it stays so
}

// asFull is a log file as one that others come after.
func (l *LogFile) asFull() *fullFile {
	return &fullFile{f: l.f, size: l.Attr.Size, slots: l.slotTable, entries: l.entrySlots}
}

// leftFull reports whether emptying has not got to the end of one of the files. Those
// entries count as emptied that a note says are about to be.
func leftFull(files []*fullFile, note emptyingNote) bool {
	for k := len(files) - 1; k >= 0; k-- {
		if files[k].leftFull(note) {
			return true
		}
	}
	return false
}

func (l *fullFile) leftFull(note emptyingNote) bool {
	if l.emptied.Load() {
		return false
	}
	full, err := format.LeftFull(l.slots.Len(), l.slotWithRoom, func(i int) (uint32, error) {
		if note.covers(l.slots.Slot(i)) {
			return 0, nil
		}
		return l.lengthAt(i)
	})
	l.emptied.Store(!full && err == nil && note == emptyingNote{})
	return full
}

// lengthAt reads the length of slot i's payload.
func (l *fullFile) lengthAt(i int) (uint32, error) { return lengthAt(l.f, l.slots.Slot(i).Offset) }

func lengthAt(f file, offset uint64) (uint32, error) {
	var length [format.LengthSize]byte
	err := readFull(f, length[:], int64(offset))
	return binary.BigEndian.Uint32(length[:]), err
}

// slotWithRoom gives a slot and how much room its payload has. That of a slot that is
// no entry is not known.
func (l *fullFile) slotWithRoom(i int) (format.Slot, int64) {
	s, next := l.slots.Slot(i), uint64(l.size)
	if i+1 < l.slots.Len() {
		next = l.slots.Slot(i + 1).Offset
	}
	if l.entries.isDropped(i) || next > uint64(l.size) || s.Offset < format.PayloadAt {
		return s, 0
	}
	return s, int64(next) - int64(s.Offset) - format.LengthSize
}
