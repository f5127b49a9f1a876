package dgraph

import (
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// This file checks where each payload ends against what follows it. Where the two
// differ more than a writer lets them, a length or an offset is wrong, and would be
// read as bytes that no writer meant. Each length has to be borne out: by the next
// slot's offset; or, where that is wrong, by the lengths that stand behind it, which
// must lead from payload to payload to a later slot's offset.

// ending says how a payload ends.
type ending int

const (
	nowhere    ending = iota // not where the next one begins
	packed                   // where the next one begins, or the file ends
	beforeGap                // before a gap that writers leave
	overOthers               // not where the next slot says, but the lengths behind it lead on
	atTheEnd                 // it is the last of a file that is written to, or a writer has changed the next slot: nothing tells
)

// judge finds out whether the entry of slot i is sound.
func (c *sizeCheck) judge(i int) {
	if i == 0 && !c.beginsTheFile() {
		c.fault(&c.neighbours, i, walcore.KindOffset, "the data offset is %d, a file's first payload begins at %d", c.slots.Offset(i), format.PayloadAt)
		return
	}
	ends := c.ends(i)
	switch {
	case ends == nowhere && c.leadsOver(i):
		ends = overOthers
	case ends == nowhere:
		c.faultNowhere(i)
		return
	case ends == atTheEnd && !c.beginsWhereOthersLead(i):
		c.fault(&c.neighbours, i, walcore.KindOffset, "the payload before ends at %d, or its length is lost: nothing bears this offset out", c.floor)
		return
	}
	if c.slots.Offset(i) < c.floor {
		c.fault(&c.neighbours, i, walcore.KindOffset, "a payload before ends at %d: this offset or a length before it is wrong", c.floor)
		if ends == packed {
			c.fault(&c.neighbours, c.last, walcore.KindLength, "the payload ends at %d, but a later one begins at %d, and either could be true",
				c.floor, c.slots.Offset(i))
		}
		return
	}
	c.last, c.lastEnds, c.floor = i, ends, c.payloadEnd(i)
	if c.lengths[i] > 0 && c.canBeEmptied(i) && i+1 < c.slots.Len() {
		c.found.emptyingEnded = true
	}
}

// beginsTheFile reports whether the first slot's payload is where a file's first one is.
func (c *sizeCheck) beginsTheFile() bool {
	gap := format.Gap{Bytes: int64(c.slots.Offset(0)) - format.PayloadAt, Encrypted: c.encrypted, Type: format.NoEntry}
	return gap.Legal(c.evidence(format.PayloadAt))
}

// ends says how the payload of slot i ends, as far as the next slot tells.
func (c *sizeCheck) ends(i int) ending {
	if i+1 == c.tail && !c.full || i+1 == c.end && c.end < c.slots.Len() {
		return atTheEnd
	}
	end, next := c.payloadEnd(i), c.fileSize
	if i+1 < c.slots.Len() {
		next = c.slots.Offset(i + 1)
	}
	switch {
	case end == next:
		return packed
	case c.gap(i).Legal(c.evidence(end)):
		return beforeGap
	}
	return nowhere
}

// gap is what lies between the payload of slot i and the next slot's. It is an
// overlap where that offset is out of range.
func (c *sizeCheck) gap(i int) format.Gap {
	next := c.fileSize
	if i+1 < c.slots.Len() {
		if next = c.slots.Offset(i + 1); !c.inRange(next) {
			next = 0
		}
	}
	return format.Gap{Bytes: int64(next) - int64(c.payloadEnd(i)), Encrypted: c.encrypted,
		Size: c.lengths[i], Type: c.slots.Type(i), Sum: c.slots.Sum(i)}
}

// evidence is for a gap that begins at an offset.
func (c *sizeCheck) evidence(begin uint64) format.Evidence {
	return format.Evidence{
		EmptyingEnded: c.emptyingHasEnded,
		Read: func(p []byte, at int64) bool {
			c.readErr = c.read(p, begin+uint64(at))
			return c.readErr == nil
		},
	}
}

func (c *sizeCheck) emptyingHasEnded() bool {
	if c.found.emptyingEnded || c.endedEarlier == nil {
		return c.found.emptyingEnded
	}
	if c.earlier == nil {
		ended := c.endedEarlier()
		c.earlier = &ended
	}
	return *c.earlier
}

// maxSteps bounds how many wrong offsets in a row lengths may lead over: a file
// system's block holds the slots of 128 entries.
const maxSteps = 256

// step gives where a payload ends that begins at an offset.
func (c *sizeCheck) step(at uint64) (end uint64, ok bool) {
	if at+format.LengthSize > c.fileSize {
		return 0, false
	}
	n, err := c.lengthAt(at)
	if err != nil {
		c.readErr = err
		return 0, false
	}
	end = at + format.LengthSize + uint64(n)
	return end, end <= c.fileSize
}

// leadsOver reports whether the lengths that stand behind slot i's payload, taken for
// those of the slots after it, lead to the offset of a later one, or to the end of a
// full file. The offsets between are wrong then. It can be chance that they lead to one;
// so they must lead on to another one, if there is any.
func (c *sizeCheck) leadsOver(i int) bool {
	at, ok := c.payloadEnd(i), true
	first := 0 // the slot before that to whose offset they lead
	for k := i + 1; k <= i+maxSteps; k++ {
		if at, ok = c.step(at); !ok {
			return false
		}
		if atEnd := k+1 == c.slots.Len() && c.full && at == c.fileSize; !atEnd && !c.begins(k+1, at) {
			continue
		}
		if first == 0 {
			first = k
		}
		if another := k+2 < c.slots.Len() || k+2 == c.slots.Len() && c.full; k > first || !another {
			return !c.faultSkipped(i, first)
		}
	}
	return false
}

// begins reports whether slot i has this offset. Behind the first empty slot there may
// be others: those before them are lost.
func (c *sizeCheck) begins(i int, offset uint64) bool {
	if i < c.slots.Len() {
		return c.slots.Offset(i) == offset
	}
	s, ok := c.leftover(i)
	return ok && s.Offset == offset
}

// faultSkipped says that the offsets of the slots behind slot i up to slot k are
// wrong. Where the first of them leads on as well, nothing tells which is right; nor where
// more than one can be: they may be another file's slots.
func (c *sizeCheck) faultSkipped(i, k int) (eitherCouldBeTrue bool) {
	eitherCouldBeTrue = c.isEntry(i+1) && c.fits(i+1) && c.ends(i+1) == packed
	var wrong []int
	var ends []uint64 // of the payloads before these
	canBe := 0
	for at, j := c.payloadEnd(i), i+1; j <= k; j++ {
		if c.isEntry(j) && j < c.end && c.slots.Offset(j) != at {
			wrong, ends = append(wrong, j), append(ends, at)
			if c.inRange(c.slots.Offset(j)) {
				canBe++
			}
		}
		at, _ = c.step(at)
	}
	if canBe > 1 {
		return true
	}
	for n, j := range wrong {
		c.fault(&c.neighbours, j, walcore.KindOffset, "the payload before ends at %d, not at this offset", ends[n])
	}
	return eitherCouldBeTrue
}

// isEntry reports whether a slot is an entry of the log whose length was read.
func (c *sizeCheck) isEntry(i int) bool {
	return i < c.slots.Len() && c.lengths[i] != noPayload && c.failed[i] == nil && !c.entries.isDropped(i)
}

// beginsWhereOthersLead reports whether the payloads before slot i lead to its offset.
func (c *sizeCheck) beginsWhereOthersLead(i int) bool {
	if i == 0 || c.last == i-1 && (c.lastEnds == packed || c.lastEnds == beforeGap) {
		return true
	}
	at, ok := c.floor, i-c.last <= maxSteps
	for k := c.last + 1; k < i && ok; k++ {
		at, ok = c.step(at)
	}
	return ok && at == c.slots.Offset(i)
}

// faultNowhere says what is wrong with slot i, whose payload does not end where the
// next one begins.
func (c *sizeCheck) faultNowhere(i int) {
	fault := func(kind walcore.Kind, text string, args ...any) { c.fault(&c.neighbours, i, kind, text, args...) }
	end := c.payloadEnd(i)
	if c.mayBeEmptied(i) && c.gap(i).Lost(c.evidence(end)) {
		c.damaged = append(c.damaged, i)
	}
	if c.readErr != nil {
		fault(walcore.KindUnreadable, "where the payload ends cannot be read: %v", c.readErr)
		c.readErr = nil
		return
	}
	if i+1 == c.slots.Len() {
		fault(walcore.KindLength, "the payload claims %d bytes and ends at %d, but the file at %d: it is full, and ends with its last payload",
			c.lengths[i], end, c.fileSize)
		return
	}
	switch at, next := c.slots.Offset(i), c.slots.Offset(i+1); {
	case !c.inRange(next):
		fault(walcore.KindLength, "the payload claims %d bytes, and the next offset, %d, is none: nothing bears this length out", c.lengths[i], next)
	case at >= next:
		fault(walcore.KindOffset, "the data offset is not below the next slot's, %d", next)
	case c.isEntry(i+1) && c.fits(i+1) && c.ends(i+1) == packed:
		fault(walcore.KindLength, "the payload claims %d bytes and ends at %d, but the next one begins at %d", c.lengths[i], end, next)
	default:
		fault(walcore.KindLength, "the payload ends at %d, but the next one begins at %d: this length or that offset is wrong", end, next)
	}
}
