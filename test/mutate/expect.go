//go:build linux

package mutate

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// expectation is what the format lets anybody see of a damage, found by comparing
// the damaged bytes with the sound ones, without the code under test.
type expectation struct {
	base *Base
	dir  string
	// seen says what of the damage contradicts something else in the directory: it
	// has to be reported. Empty: nothing does.
	seen []string
	// onReading is damage that a checksum tells once the payload is read.
	onReading []string
	// may says in what an entry may differ from the truth, since nothing tells.
	may    map[uint64]may
	mayOld bool            // entries may also be as in the older state
	old    map[uint64]bool // these may: their slots are

	slots map[string][]slot // of each of the log's files, as they are now
	voted uint64            // the hard state's term, as it is now: no entry's is higher
}

// may is what nothing tells of an entry.
type may struct{ term, typ, data bool }

func (x *expectation) see(text string, args ...any) {
	x.seen = append(x.seen, fmt.Sprintf(text, args...))
}

func (x *expectation) allow(index uint64, allow may) {
	m := x.may[index]
	x.may[index] = may{m.term || allow.term, m.typ || allow.typ, m.data || allow.data}
}

// expect judges the edits that were made in dir.
func expect(b *Base, edits []Edit, dir string) (*expectation, error) {
	x := &expectation{base: b, dir: dir, may: map[uint64]may{}, old: map[uint64]bool{}, slots: map[string][]slot{}}
	changed := map[string]bool{}
	for _, e := range edits {
		if e.Op != opWrite && e.Op != opResize {
			return x, x.wholeFile(e)
		}
		changed[e.File] = true
	}
	for _, f := range b.layout.files {
		x.slots[f.name] = f.slots
		if changed[f.name] {
			if err := x.logFile(f); err != nil {
				return nil, err
			}
		}
	}
	if err := x.readVoted(); err != nil {
		return nil, err
	}
	x.terms()
	for name := range changed {
		now, err := readImage(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		switch {
		case name == metaName:
			x.meta(now)
		case name == registryName:
			was := b.images[name]
			if was.size != now.size || !bytes.Equal(was.bytes(0, was.size), now.bytes(0, now.size)) {
				x.see("%s has changed", name)
			}
		}
	}
	return x, nil
}

// logFile compares a log file with what it was.
func (x *expectation) logFile(was *logFile) error {
	f, err := os.Open(filepath.Join(x.dir, was.name))
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	last := was == x.base.layout.last()
	switch size := st.Size(); {
	case size < was.end:
		x.see("%s is cut at %d, its payloads end at %d", was.name, size, was.end)
		x.slots[was.name] = nil
		return nil
	case size > was.image.size && !last && !was.endsEmptied():
		x.see("%s goes on behind its last payload", was.name)
	}
	now, err := readImage(f.Name())
	if err != nil {
		return err
	}
	x.header(was, now)
	table := now.bytes(0, tableSize)
	slots := make([]slot, len(was.slots))
	for i, s := range was.slots {
		slots[i] = decodeSlot(table[i*slotSize:])
		slots[i].length = binary.BigEndian.Uint32(now.bytes(int64(s.offset), lengthSize))
	}
	x.slots[was.name] = slots
	for i := range slots {
		x.slot(was, i)
		x.payload(was, i, now)
		x.olderSlot(was, i, table[i*slotSize:][:slotSize])
	}
	for i := len(slots); i < slotsAFile; i++ {
		if s := decodeSlot(table[i*slotSize:]); s.index != 0 {
			x.see("%s slot %d was empty", was.name, i)
		}
	}
	return nil
}

// olderSlot looks for a slot that has come back from the older state: with its payload, which
// may still be there, it is the entry that was replaced since.
func (x *expectation) olderSlot(f *logFile, i int, now []byte) {
	if older := x.base.older[f.name]; older != nil && bytes.Equal(now, older.bytes(int64(i)*slotSize, slotSize)) {
		x.old[decodeSlot(now).index] = true
	}
}

func (x *expectation) header(was *logFile, now *image) {
	before, after := was.image.bytes(keyHeaderAt, 16), now.bytes(keyHeaderAt, 16)
	id := binary.BigEndian.Uint64(after)
	switch {
	case bytes.Equal(before, after):
	case was.keyID != id && (was.keyID == 0 || !x.isKey(id)):
		x.see("%s has another key id", was.name)
	case was.keyID == 0:
		x.see("%s has a base IV and no key id", was.name)
	case bytes.Equal(after[8:], make([]byte, 8)):
		x.see("%s has a key id and no base IV", was.name)
	default: // another key or IV; not even a checksum tells: it is of the encrypted bytes
		for _, s := range was.slots {
			x.allow(s.index, may{data: true})
		}
	}
}

// isKey reports whether there is a data key with an id.
func (x *expectation) isKey(id uint64) bool { return slices.Contains(x.base.layout.keys, id) }

// slot compares the fields of a slot but for the term. See terms.
func (x *expectation) slot(f *logFile, i int) {
	was, now := f.slots[i], x.slots[f.name][i]
	switch {
	case now.index == was.index:
	case x.endsEarlier(f, i) && was.index > x.base.layout.meta.hard.GetCommit():
		return // entries that had been acknowledged by nobody are not there
	default:
		x.see("%s slot %d: index %d, was %d", f.name, i, now.index, was.index)
	}
	if now.offset != was.offset && !(len(f.slots) == 1 && f.keyID != 0) {
		x.see("%s slot %d: offset %d, was %d", f.name, i, now.offset, was.offset)
	}
	if now.typ != was.typ {
		x.allow(was.index, may{typ: was.sum == 0 || now.sum == 0})
		if now.typ > 2 {
			x.see("%s slot %d: type %d", f.name, i, now.typ)
		}
	}
	if now.sum != 0 && (now.sum != was.sum || now.term != was.term || now.typ != was.typ) {
		x.onReading = append(x.onReading, fmt.Sprintf("%s slot %d: the checksum denies the slot", f.name, i))
	}
}

// endsEarlier reports whether the log has no slots now from slot i on.
func (x *expectation) endsEarlier(f *logFile, i int) bool {
	return f == x.base.layout.last() && !slices.ContainsFunc(x.slots[f.name][i:], func(s slot) bool { return s.index != 0 })
}

// payload compares a length and the bytes behind it.
func (x *expectation) payload(f *logFile, i int, now *image) {
	was, slot := f.slots[i], x.slots[f.name][i]
	if slot.index == 0 {
		return
	}
	summed := slot.sum != 0
	if slot.length != was.length {
		switch {
		case x.lengthIsFree(f, i, now):
			x.allow(was.index, may{data: !summed})
			if summed {
				x.onReading = append(x.onReading, fmt.Sprintf("%s slot %d: the checksum denies the length", f.name, i))
			}
		default:
			x.see("%s slot %d: length %d, was %d", f.name, i, slot.length, was.length)
		}
		return
	}
	before := f.image.bytes(int64(was.offset)+lengthSize, int64(was.length))
	if bytes.Equal(before, now.bytes(int64(was.offset)+lengthSize, int64(was.length))) {
		return
	}
	if summed {
		x.onReading = append(x.onReading, fmt.Sprintf("%s slot %d: the checksum denies the payload", f.name, i))
	} else {
		x.allow(was.index, may{data: true})
	}
}

// lengthIsFree reports whether nothing tells that a length has changed.
func (x *expectation) lengthIsFree(f *logFile, i int, now *image) bool {
	was, slot := f.slots[i], x.slots[f.name][i]
	if i == len(f.slots)-1 {
		// The last length of the current file. A full file ends with its payload.
		return f == x.base.layout.last() && int64(was.offset)+lengthSize+int64(slot.length) <= now.size
	}
	if slot.length > was.length {
		return int64(was.offset)+lengthSize+int64(slot.length) == int64(f.slots[i+1].offset)
	}
	if slot.length == 0 && was.typ == 0 && slot.sum == 0 && x.emptyBefore(was.index) {
		return true // as emptying payloads leaves it
	}
	if f.keyID == 0 {
		return false
	}
	// A rewrite in an encrypted file leaves a gap, which begins with the length of
	// what was there.
	at := int64(was.offset) + lengthSize + int64(slot.length)
	gap := int64(f.slots[i+1].offset) - at
	return gap >= lengthSize && int64(binary.BigEndian.Uint32(now.bytes(at, lengthSize))) <= gap-lengthSize
}

// emptyBefore reports whether all entries below an index are empty that emptying
// payloads would empty.
func (x *expectation) emptyBefore(index uint64) bool {
	for _, f := range x.base.layout.files {
		for i, s := range f.slots {
			if s.index >= index {
				return true
			}
			now := s
			if slots := x.slots[f.name]; slots != nil {
				now = slots[i]
			}
			if s.typ == 0 && s.sum == 0 && now.length != 0 {
				return false
			}
		}
	}
	return true
}
