package dgraph

import (
	"fmt"
	"iter"
	"slices"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// entrySlots says which slots of a table are entries: those in runs, but for the
// dropped ones.
type entrySlots struct {
	runs    []run
	dropped []bool // nil: none is
}

func (e entrySlots) isDropped(i int) bool { return e.dropped != nil && e.dropped[i] }

// from goes through the entries from a slot on.
func (e entrySlots) from(slot int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for _, r := range e.runs {
			for i := max(r.slot, slot); i < r.slot+r.n; i++ {
				if !e.isDropped(i) && !yield(i) {
					return
				}
			}
		}
	}
}

// storedLengths are the lengths of a file's payloads as they are stored, and
// what is needed to tell whether they are sound.
type storedLengths struct {
	slots     *format.PackedSlots
	entries   entrySlots
	fileSize  uint64
	encrypted bool // or it may be
	full      bool // others with entries come after the file: it ends with its last payload

	lengths  []uint32                                  // by slot; of entries
	failed   map[int]error                             // why an entry's length could not be read
	end      int                                       // slots from here on have changed since they were listed
	lengthAt func(offset uint64) (n uint32, err error) // what is stored where a length might be
	read     func(p []byte, offset uint64) error       // any bytes of the file
	leftover func(i int) (s format.Slot, ok bool)      // a slot behind the first empty one
	// endedEarlier is format.Evidence.EmptyingEnded of the files before; nil: there are none.
	endedEarlier func() bool

	// What an earlier look at the same slots has found.
	sound         int                             // this many are sound
	emptyingEnded bool                            // as in sizeFaults, before the last of them
	sizeBefore    func(i int) (n uint32, ok bool) // the size of slot i, if it is the same slot
}

// sizeFaults is what is wrong with stored lengths. The size of an entry without
// a fault is its length.
type sizeFaults struct {
	list []sizeFault
	// emptyingEnded says that before the last slot there is an entry in this file
	// that emptying would have emptied, and has not.
	emptyingEnded bool
	// emptiedDuringRead says that a payload has been emptied since an earlier
	// look found it full.
	emptiedDuringRead bool
}

type sizeFault struct {
	slot    int
	kind    walcore.Kind
	message string
}

// findSizeFaults checks each length by itself, and where each payload ends against
// what follows it: see neighbours.go.
func findSizeFaults(in *storedLengths) sizeFaults {
	c := sizeCheck{storedLengths: in, last: in.sound - 1, lastEnds: packed, floor: format.PayloadAt, tail: in.slots.Len()}
	if c.last >= 0 {
		c.floor = c.payloadEnd(c.last)
	}
	for c.tail > 0 && !in.full && !c.inRange(c.slots.Offset(c.tail-1)) {
		c.tail--
	}
	c.found.emptyingEnded = in.emptyingEnded
	for i := range in.entries.from(in.sound) {
		if i >= in.end {
			break
		}
		if !c.isPlain(i) && c.alone(i) && !c.isFaulty(i) {
			c.judge(i)
		}
	}
	c.doubtEmptied()
	slices.SortStableFunc(c.neighbours, func(a, b sizeFault) int { return a.slot - b.slot })
	c.found.list = append(c.found.list, c.neighbours...)
	return c.found
}

// isPlain reports whether slot i's payload is not empty, begins where the last one ends,
// and ends where the next begins: nearly all do. Then that is all there is to say of it.
func (c *sizeCheck) isPlain(i int) bool {
	n := c.lengths[i]
	if n == 0 || n == noPayload || c.faulty != nil || c.last != i-1 || c.lastEnds != packed || i+1 >= min(c.tail, c.end) ||
		!c.found.emptyingEnded {
		return false
	}
	end := c.floor + format.LengthSize + uint64(n)
	if end != c.slots.Offset(i+1) || end > c.fileSize {
		return false
	}
	c.last, c.floor = i, end
	return true
}

// sizeCheck goes through the entries of a file, upwards.
type sizeCheck struct {
	*storedLengths
	found      sizeFaults  // each length by itself
	neighbours []sizeFault // those that do not go together
	faulty     []bool      // by slot; nil: none is

	last     int    // the last entry that is sound so far, -1 for none
	lastEnds ending // how it ends
	floor    uint64 // where its payload ends: all others begin behind that
	tail     int    // the slots from here on have no offsets that can be: their payloads never got to the disk

	damaged []int // slots whose lengths are, before emptying ended; see doubtEmptied

	earlier *bool // what endedEarlier has said; nil: it was not asked
	readErr error // why the last evidence could not be had
}

func (c *sizeCheck) isFaulty(i int) bool { return c.faulty != nil && c.faulty[i] }

// fault says what is wrong with an entry, once.
func (c *sizeCheck) fault(list *[]sizeFault, i int, kind walcore.Kind, text string, args ...any) {
	if c.faulty == nil {
		c.faulty = make([]bool, c.slots.Len())
	}
	if c.faulty[i] {
		return
	}
	c.faulty[i] = true
	*list = append(*list, sizeFault{i, kind, fmt.Sprintf(text, args...)})
	if kind == walcore.KindLength && !c.found.emptyingEnded && !c.mayBeEmptied(i) {
		c.damaged = append(c.damaged, i)
	}
}

// alone checks the length of slot i by itself.
func (c *sizeCheck) alone(i int) bool {
	n, offset := c.lengths[i], c.slots.Offset(i)
	fault := func(kind walcore.Kind, text string, args ...any) bool {
		c.fault(&c.found.list, i, kind, text, args...)
		return false
	}
	switch {
	case c.failed[i] != nil:
		return fault(walcore.KindUnreadable, "the payload's length cannot be read: %v", c.failed[i])
	case n == noPayload:
		return fault(walcore.KindLength, "the payload claims %d bytes: no log file has that much", n)
	case !c.fits(i):
		return fault(walcore.KindLength, "the payload claims %d bytes, the file ends %d bytes behind its offset", n, c.fileSize-offset)
	case n == 0 && c.deniesEmpty(i):
		return fault(walcore.KindLength, "the payload is empty, which its checksum denies: it was not written, or its length is lost")
	case n == 0 && c.wasFull(i):
		c.found.emptiedDuringRead = true
		return fault(walcore.KindEmptying, "the payload was emptied this moment")
	}
	return true
}

// inRange reports whether a payload can begin at an offset.
func (c *sizeCheck) inRange(offset uint64) bool {
	return offset >= format.PayloadAt && offset <= c.fileSize && c.fileSize-offset >= format.LengthSize
}

// fits reports whether the payload that the length of slot i claims is in the file.
func (c *sizeCheck) fits(i int) bool {
	return c.lengths[i] != noPayload && c.payloadEnd(i) <= c.fileSize
}

func (c *sizeCheck) payloadEnd(i int) uint64 {
	return c.slots.Offset(i) + format.LengthSize + uint64(c.lengths[i])
}

// deniesEmpty reports whether slot i has a checksum, of more than no bytes.
func (c *sizeCheck) deniesEmpty(i int) bool {
	sum := c.slots.Sum(i)
	return sum != 0 && sum != format.Checksum(c.slots.Slot(i), make([]byte, format.LengthSize))
}

// wasFull reports whether an earlier look has found a payload that is empty now.
// That the file was not emptied since has been checked, so that it happened a
// moment ago, and what goes by the file's identity must not see it: under one
// identity a payload does not get another size.
func (c *sizeCheck) wasFull(i int) bool {
	if c.sizeBefore == nil || !c.canBeEmptied(i) {
		return false
	}
	was, ok := c.sizeBefore(i)
	return ok && was != 0
}

func (c *sizeCheck) canBeEmptied(i int) bool {
	return format.CanBeEmptied(c.slots.Type(i), c.slots.Sum(i))
}
