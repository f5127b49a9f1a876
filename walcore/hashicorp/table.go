package hashicorp

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sort"

	"github.com/walfs/walfs/walcore"
)

// slot says where a value is stored and what its bytes are. A log has millions of slots: what
// neighbours share is in their span.
type slot struct {
	at       int64  // where the value is in its file
	appended int64  // as in record
	value    uint32 // the value's length
	size     uint32 // the payload's
	sum      uint32 // CRC-32C of the value
	dataAt   uint16 // as in record
	typ      uint8
	extended bool // the value has extensions
}

// span is slots that follow one another with indexes that do, of one term.
type span struct {
	index, term uint64
	slot, n     int
}

func (s span) last() uint64 { return s.index + uint64(s.n) - 1 }

// from gives the part of a span that begins at an index, if it begins before.
func (s span) from(index uint64) span {
	skipped := int(max(index, s.index) - s.index)
	return span{s.index + uint64(skipped), s.term, s.slot + skipped, s.n - skipped}
}

// table is the entries of a file, by index. Tables of one file share their slots: only the
// newest may add any.
type table struct {
	slots []slot
	spans []span
}

// maxValue is the largest value that is read: more than either store writes.
const maxValue = 1 << 28

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// newSlot makes a slot of a value that is stored at an offset.
func newSlot(at int64, value []byte, parse parser) (record, slot, error) {
	r, err := parse(value)
	if err != nil {
		return r, slot{}, err
	}
	s, err := slotOf(r, at, len(value), crc32.Checksum(value, castagnoli))
	return r, s, err
}

// slotOf makes a slot of what a value of n bytes says, which is stored at an offset.
func slotOf(r record, at int64, n int, sum uint32) (slot, error) {
	if r.dataAt > 1<<16-1 {
		return slot{}, fmt.Errorf("its payload begins at byte %d of the value", r.dataAt)
	}
	return slot{at: at, appended: r.appended, value: uint32(n), size: uint32(r.size),
		sum: sum, dataAt: uint16(r.dataAt), typ: r.typ, extended: len(r.extensions) > 0}, nil
}

// readEntry is an entry that was read, and is not in a table yet.
type readEntry struct {
	index, term uint64
	slot
	err error // the value cannot be taken apart
}

// last is the last index, or 0.
func (t *table) last() uint64 {
	if len(t.spans) == 0 {
		return 0
	}
	return t.spans[len(t.spans)-1].last()
}

// add adds an entry above the last one.
func (t *table) add(index, term uint64, s slot) {
	t.slots = append(t.slots, s)
	t.addSpan(span{index, term, len(t.slots) - 1, 1})
}

// addAll adds the entries of another table, which are above the last one.
func (t *table) addAll(from *table) {
	before := len(t.slots)
	t.slots = append(t.slots, from.slots...)
	for _, s := range from.spans {
		s.slot += before
		t.addSpan(s)
	}
}

func (t *table) addSpan(s span) {
	if k := len(t.spans) - 1; k >= 0 && t.spans[k].term == s.term && t.spans[k].last()+1 == s.index {
		t.spans[k].n += s.n
		return
	}
	t.spans = append(t.spans, s)
}

// indexOf gives the index of a slot.
func (t *table) indexOf(i int) uint64 {
	k := sort.Search(len(t.spans), func(k int) bool { return t.spans[k].slot+t.spans[k].n > i })
	return t.spans[k].index + uint64(i-t.spans[k].slot)
}

// spanOf gives the number of the first span that ends at index or above.
func (t *table) spanOf(index uint64) int {
	return sort.Search(len(t.spans), func(k int) bool { return t.spans[k].last() >= index })
}

// find gives the number of the slot of an index.
func (t *table) find(index uint64) (i int, ok bool) {
	k := t.spanOf(index)
	if k == len(t.spans) || t.spans[k].index > index {
		return 0, false
	}
	return t.spans[k].slot + int(index-t.spans[k].index), true
}

// between gives a table of the entries from first to last, which can be added to.
func (t *table) between(first, last uint64) table {
	var cut table
	for _, s := range t.spans {
		if s.index > last || s.last() < first {
			continue
		}
		s = s.from(first)
		s.n = int(min(s.last(), last) - s.index + 1)
		cut.spans = append(cut.spans, s)
	}
	if len(cut.spans) == 0 {
		return table{}
	}
	begin, end := cut.spans[0].slot, cut.spans[len(cut.spans)-1]
	cut.slots = t.slots[begin : end.slot+end.n]
	if end.slot+end.n < len(t.slots) { // others have what follows
		cut.slots = cut.slots[:len(cut.slots):len(cut.slots)]
	}
	for k := range cut.spans {
		cut.spans[k].slot -= begin
	}
	return cut
}

// readFull fills p from f at off. It fails with ErrChanged if the file ends before that: it
// had been read there.
func readFull(f io.ReaderAt, p []byte, off int64) error {
	n, err := f.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the file now ends at %d: %w", off+int64(n), walcore.ErrChanged)
	}
	return err
}

// sameValue reports whether two slots are of the same value, wherever it is.
func (s *slot) sameValue(t *slot) bool {
	return s.value == t.value && s.sum == t.sum && s.size == t.size && s.appended == t.appended && s.dataAt == t.dataAt && s.typ == t.typ
}
