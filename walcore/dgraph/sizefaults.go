package dgraph

import (
	"fmt"
	"iter"
	"sort"

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
	encrypted bool

	lengths  []uint32                                  // by slot; of entries
	failed   map[int]error                             // why an entry's length could not be read
	end      int                                       // slots from here on have changed since they were listed
	lengthAt func(offset uint64) (n uint32, err error) // what is stored where a length might be

	// What an earlier look at the same slots has found.
	sound         int                             // this many are sound
	emptyingEnded bool                            // as in sizeFaults, before the last of them
	sizeBefore    func(i int) (n uint32, ok bool) // the size of slot i, if it is the same slot
}

// sizeFaults is what is wrong with stored lengths. The size of an entry without
// a fault is its length.
type sizeFaults struct {
	list []sizeFault
	// emptyingEnded says that before the last sound entry there is one that
	// emptying would have emptied, and has not.
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

// findSizeFaults checks each length by itself, and each payload's end against
// the offset of the one after it. Where the two differ more than a writer lets
// them, a length or an offset is wrong, and would be read as bytes that no
// writer meant.
func findSizeFaults(in *storedLengths) sizeFaults {
	c := sizeCheck{storedLengths: in, last: in.sound - 1, confirmed: in.sound - 2}
	c.found.emptyingEnded = in.emptyingEnded
	for i := range in.entries.from(in.sound) {
		if i >= in.end {
			break
		}
		if c.alone(i) {
			c.behindLast(i)
		}
	}
	c.found.list = append(c.found.list, c.neighbours...)
	return c.found
}

// sizeCheck goes through the entries of a file, upwards.
type sizeCheck struct {
	*storedLengths
	found      sizeFaults  // each length by itself
	neighbours []sizeFault // those that do not go together
	last       int         // the last entry that is sound so far, -1 for none
	confirmed  int         // the last entry whose end is where the next slot's payload begins
	faulty     []bool      // by slot; nil: none is
}

func (c *sizeCheck) fault(list *[]sizeFault, i int, kind walcore.Kind, text string, args ...any) {
	if c.faulty == nil {
		c.faulty = make([]bool, c.slots.Len())
	}
	c.faulty[i] = true
	*list = append(*list, sizeFault{i, kind, fmt.Sprintf(text, args...)})
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
	case offset+format.LengthSize+uint64(n) > c.fileSize:
		return fault(walcore.KindLength, "the payload claims %d bytes, the file ends %d bytes behind its offset", n, c.fileSize-offset)
	case n == 0 && c.deniesEmpty(i):
		return fault(walcore.KindLength, "the payload is empty, which its checksum denies: it was not written, or its length is lost")
	case n == 0 && c.wasFull(i):
		c.found.emptiedDuringRead = true
		return fault(walcore.KindEmptying, "the payload was emptied this moment")
	}
	return true
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

// behindLast checks slot i against the last sound entry before it.
func (c *sizeCheck) behindLast(i int) {
	last, next := c.last, c.slots.Offset(i)
	if last < 0 || c.payloadEnd(last) == next || c.gap(last, i).Legal(func() bool { return c.found.emptyingEnded }) {
		if last >= 0 && c.lengths[last] > 0 && c.canBeEmptied(last) {
			c.found.emptyingEnded = true
		}
		if last >= 0 && i == last+1 && c.payloadEnd(last) == next {
			c.confirmed = last
		}
		c.last = i
		return
	}
	end := c.payloadEnd(last)
	switch lastIsSound, nextIsSound := i == last+1 && c.leadsOn(end, i), c.leadsOn(next, i); {
	case nextIsSound && !lastIsSound:
		if at := c.slots.Offset(last); at >= next {
			c.fault(&c.neighbours, last, walcore.KindOffset, "the data offset is not below the next slot's, %d", next)
		} else {
			c.fault(&c.neighbours, last, walcore.KindLength, "the payload claims %d bytes and ends at %d, but the next one begins at %d",
				c.lengths[last], end, next)
		}
		c.last = i
	case lastIsSound && !nextIsSound:
		c.fault(&c.neighbours, i, walcore.KindOffset, "the payload before ends at %d, not at this offset", end)
	case last == c.confirmed:
		// The entry behind it has gone, but has borne out where it ends.
		c.fault(&c.neighbours, i, walcore.KindOffset, "the payload before ends at %d: this offset or a length between the two is wrong", end)
	default:
		c.fault(&c.neighbours, last, walcore.KindLength, "the payload ends at %d, but the next one begins at %d: this length or that offset is wrong",
			end, next)
		c.fault(&c.neighbours, i, walcore.KindOffset, "the payload before ends at %d: this offset or that length is wrong", end)
		c.last = c.soundBefore(last)
	}
}

func (c *sizeCheck) payloadEnd(i int) uint64 {
	return c.slots.Offset(i) + format.LengthSize + uint64(c.lengths[i])
}

func (c *sizeCheck) gap(a, b int) format.Gap {
	return format.Gap{Bytes: int64(c.slots.Offset(b)) - int64(c.payloadEnd(a)), Encrypted: c.encrypted, Skipped: b > a+1,
		Size: c.lengths[a], Type: c.slots.Type(a), Sum: c.slots.Sum(a)}
}

// leadsOn reports whether a payload at offset, taken for slot i's, ends where
// the payload of the slot after i begins.
func (c *sizeCheck) leadsOn(offset uint64, i int) bool {
	if i+1 >= c.slots.Len() || c.entries.isDropped(i+1) || offset+format.LengthSize > c.fileSize {
		return false
	}
	n, err := c.lengthAt(offset)
	return err == nil && offset+format.LengthSize+uint64(n) == c.slots.Offset(i+1)
}

// soundBefore is the last sound entry before slot i, -1 for none.
func (c *sizeCheck) soundBefore(i int) int {
	runs := c.entries.runs
	for k := sort.Search(len(runs), func(k int) bool { return runs[k].slot >= i }) - 1; k >= 0; k-- {
		for slot := min(runs[k].slot+runs[k].n, i) - 1; slot >= runs[k].slot; slot-- {
			if !c.faulty[slot] && !c.entries.isDropped(slot) {
				return slot
			}
		}
	}
	return -1
}
