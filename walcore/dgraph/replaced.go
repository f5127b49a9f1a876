package dgraph

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// An entry that a later leader has replaced can still be in a log file in two ways. Either
// its slot is there, as in this file, or only its payload is, as in remains.go.
//
// A rewrite that was cut off leaves slots: a power loss has let some sectors of the slot
// table get to the disk and not others, or has brought back a later file that was removed.
// The term and the index are known then. It is a replaced entry for certain if
//
//   - the log has two entries of higher terms at its index or below, one right behind the
//     other, and the hard state bears those terms out, so that damaged terms do not make it
//     one: no log can have all of them;
//   - it is not what the log would go on with: there, a term that does not fit may be
//     damage;
//   - the payloads of the log's entries in its file end before its own;
//   - its checksum is right, or what is behind bears out its length: its payload ends where
//     that of the next slot begins, of the next index, which is replaced, too; or before
//     zeros, if it follows such a one.

var (
	_ walcore.Replacer = (*Reader)(nil)
	_ walcore.Remainer = (*Reader)(nil)
)

// replacedList is what Replaced has found, once.
type replacedList struct {
	entries []walcore.Entry // by index and term
	left    map[*LogFile]leftSlots
}

// leftSlots are what is found of a file's slots that are no entries of the log.
type leftSlots struct {
	replaced map[uint64]int64 // offsets and ends of payloads of replaced entries
	others   int              // how many may be others
}

// Replaced goes through the entries that a later leader has replaced and whose slots are
// still there, with an index of at least from. Those of which only payloads are left are
// among what Remains finds.
func (r *Reader) Replaced(from uint64) iter.Seq[walcore.Entry] {
	return func(yield func(walcore.Entry) bool) {
		list := r.findReplaced().entries
		first := sort.Search(len(list), func(k int) bool { return list[k].Index >= from })
		for _, e := range list[first:] {
			if !yield(e) {
				return
			}
		}
	}
}

func (r *Reader) findReplaced() *replacedList {
	if now := r.verified(); now != r {
		return now.findReplaced()
	}
	r.replacedOnce.Do(func() {
		r.replaced = &replacedList{left: map[*LogFile]leftSlots{}}
		for _, l := range r.tables() {
			r.replaced.add(l, r.slotsLeft(l))
		}
		slices.SortStableFunc(r.replaced.entries, func(a, b walcore.Entry) int {
			return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Term, b.Term))
		})
	})
	return r.replaced
}

// add takes the slots of a file that are no entries of the log.
func (list *replacedList) add(l *LogFile, slots []oldSlot) {
	left := leftSlots{replaced: map[uint64]int64{}}
	var source *replacedSource
	for _, s := range slots {
		if !s.replaced {
			if !s.overwritten {
				left.others++
			}
			continue
		}
		if source == nil {
			source = newReplacedSource(l)
		}
		left.replaced[s.Offset] = s.end()
		list.entries = append(list.entries, walcore.Entry{Term: s.Term, Index: s.Index, Type: walcore.EntryType(s.Type), Size: s.size,
			Offset: s.Offset, Slot: s.number, File: &source.file})
	}
	list.left[l] = left
}

// oldSlot is a slot that is no entry of the log.
type oldSlot struct {
	format.Slot
	number      int
	goesOn      bool  // the log may go on with it
	overwritten bool  // it is outdated, and so is its payload
	size        int64 // of its payload; -1: none that can be a replaced entry's
	replaced    bool
}

func (s *oldSlot) end() int64 { return int64(s.Offset) + format.LengthSize + s.size }

// slotsLeft are a file's slots that are no entries of the log.
func (r *Reader) slotsLeft(l *LogFile) []oldSlot {
	if len(l.leftovers) == 0 && (l.Len() == 0 || l.dropped == nil && len(l.runs) == 1 && l.runs[0].n == l.Len()) {
		return nil
	}
	slots := l.nonEntries()
	end := l.logEnd()
	for i := range slots {
		s := &slots[i]
		s.goesOn = r.goesOn(end, s) || i > 0 && slots[i-1].goesOn && slots[i-1].isBefore(s)
		if s.size = -1; l.erased != nil || s.goesOn || !r.outdated(s.Slot) {
			continue
		}
		if s.overwritten = int64(s.Offset) < end.at; !s.overwritten {
			s.size = l.storedSize(s.Offset)
		}
	}
	unread := l.Attr.Size // of payloads: they do not overlap, and those that claim more than there is are not read
	for i := range slots {
		s := &slots[i]
		if s.size < 0 {
			continue
		}
		follows := i > 0 && slots[i-1].leadsTo(s)
		leads := i+1 < len(slots) && slots[i+1].size >= 0 && s.leadsTo(&slots[i+1])
		if s.Sum != 0 {
			unread -= s.size
			s.replaced = unread >= 0 && l.hasChecksum(s)
		} else {
			s.replaced = leads || follows && l.zerosAt(s.end())
		}
	}
	return slots
}

// nonEntries are the slots that the log does not take for entries.
func (l *LogFile) nonEntries() []oldSlot {
	inLog := make([]bool, l.Len())
	for i := range l.from(0) {
		inLog[i] = true
	}
	var slots []oldSlot
	for i, is := range inLog {
		if !is {
			slots = append(slots, oldSlot{Slot: l.Slot(i), number: i})
		}
	}
	for i, s := range l.leftovers {
		slots = append(slots, oldSlot{Slot: s, number: l.leftoverAt[i]})
	}
	return slots
}

// logEnd is where the log ends in a file.
type logEnd struct {
	at    int64 // the end of the last entry's payload; where the first begins if there are no entries
	empty bool  // no slot of the file is an entry of the log
	sure  bool  // something bears at out
}

func (l *LogFile) logEnd() logEnd {
	l.loadSizes()
	for _, r := range slices.Backward(l.runs) {
		for i := r.slot + r.n - 1; i >= r.slot; i-- {
			if l.isDropped(i) {
				continue
			}
			begin := int64(l.Offset(i)) + format.LengthSize
			if size, whole := l.size(i); whole {
				return logEnd{at: begin + int64(size), sure: true}
			}
			// Where a slot that was replaced is behind it, nothing bears its length out.
			if size := l.storedSize(l.Offset(i)); size >= 0 {
				return logEnd{at: begin + size}
			}
			return logEnd{at: l.Attr.Size}
		}
	}
	return logEnd{at: format.PayloadAt, empty: true, sure: true}
}

// outdated reports whether a slot can be that of an entry, and the log has others in its
// place for certain.
func (r *Reader) outdated(s format.Slot) bool {
	if s.Index == 0 || s.Term == 0 || max(s.Index, s.Term) > walcore.MaxNumber || !knownType(s.Type) {
		return false
	}
	behind := uint64(0) // the first index of the span behind
	for k := sort.Search(len(r.terms), func(k int) bool { return r.terms[k].First > s.Index }) - 1; k >= 0 && r.terms[k].Term > s.Term; k-- {
		span := r.terms[k]
		if span.Term > r.meta.HardState.GetTerm() {
			behind = 0
			continue
		}
		last := min(s.Index, span.Last)
		whole := uint64(span.Count) == span.Last-span.First+1
		if last+1 == behind || whole && last > span.First {
			return true
		}
		behind = span.First
	}
	return false
}

// goesOn reports whether a slot is where the log would go on: behind the last entry in the
// file, or behind the last one of all.
func (r *Reader) goesOn(end logEnd, s *oldSlot) bool {
	if !end.empty {
		return int64(s.Offset) == end.at
	}
	return len(r.spans) == 0 || s.Index == r.spans[len(r.spans)-1].last()+1
}

// storedSize is the length that stands at an offset, -1 if no payload of that length fits.
func (l *LogFile) storedSize(offset uint64) int64 {
	behind := l.Attr.Size - format.LengthSize - int64(offset)
	var b [format.LengthSize]byte
	if behind < 0 || readFull(l.f, b[:], int64(offset)) != nil {
		return -1
	}
	n := int64(binary.BigEndian.Uint32(b[:]))
	if n > behind {
		return -1
	}
	return n
}

// isBefore reports whether next is the slot behind s, of the next index.
func (s *oldSlot) isBefore(next *oldSlot) bool {
	return next.number == s.number+1 && next.Index == s.Index+1 && next.Term >= s.Term
}

// leadsTo reports whether that slot's payload is where the one of s ends.
func (s *oldSlot) leadsTo(next *oldSlot) bool {
	return s.size >= 0 && s.isBefore(next) && int64(next.Offset) == s.end()
}

// hasChecksum reports whether a slot's checksum is right.
func (l *LogFile) hasChecksum(s *oldSlot) bool {
	crc := format.BeginChecksum(s.Slot)
	buf := make([]byte, min(format.LengthSize+s.size, lengthWindow))
	for at := int64(s.Offset); at < s.end(); at += int64(len(buf)) {
		buf = buf[:min(int64(len(buf)), s.end()-at)]
		if readFull(l.f, buf, at) != nil {
			return false
		}
		crc = crc.Add(buf)
	}
	return crc.Sum() == s.Sum
}

// zerosAt reports whether nothing is stored at an offset: zeros, or the file's end.
func (l *LogFile) zerosAt(offset int64) bool {
	var b [endZeros]byte
	p := b[:min(endZeros, max(l.Attr.Size-offset, 0))]
	return readFull(l.f, p, offset) == nil && format.AllZero(p)
}
