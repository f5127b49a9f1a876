package dgraph

import (
	"encoding/binary"

	"github.com/walfs/walfs/walcore/format"
)

// Emptying takes the log's files one after the other. So an empty payload may have
// been emptied only if all files before were, to their ends. To find that out takes
// a length of each, and it is asked for few entries.

// emptyingEndedEarlier reports whether emptying has not got to the end of a file
// before this one.
func (l *LogFile) emptyingEndedEarlier() bool {
	for k := len(l.earlier) - 1; k >= 0; k-- {
		if l.earlier[k].leftFull() {
			return true
		}
	}
	return false
}

// leftFull reports whether emptying has not got to the file's end. What was emptied
// once stays so.
func (l *LogFile) leftFull() bool {
	if l.emptied.Load() {
		return false
	}
	full, err := format.LeftFull(l.Len(), l.slotWithRoom, l.lengthAt)
	l.emptied.Store(!full && err == nil)
	return full
}

// lengthAt reads the length of slot i's payload.
func (l *LogFile) lengthAt(i int) (uint32, error) {
	var length [format.LengthSize]byte
	err := readFull(l.f, length[:], int64(l.Offset(i)))
	return binary.BigEndian.Uint32(length[:]), err
}

// slotWithRoom gives a slot of a full file and how much room its payload has. That of
// a slot that is no entry is not known.
func (l *LogFile) slotWithRoom(i int) (format.Slot, int64) {
	s, next := l.Slot(i), uint64(l.Attr.Size)
	if i+1 < l.Len() {
		next = l.Offset(i + 1)
	}
	if l.isDropped(i) || next > uint64(l.Attr.Size) || s.Offset < format.PayloadAt {
		return s, 0
	}
	return s, int64(next) - int64(s.Offset) - format.LengthSize
}
