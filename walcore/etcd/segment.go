package etcd

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
)

// segment is a log file, as far as its records were read and found right. It only grows: a
// table that was taken from it stays as it is. A file that is written anew is another segment.
type segment struct {
	name segmentName
	file *openFile
	attr walcore.Attr // of the file, when it was last read

	table
	runs []run

	begun bool   // its first record, which has a sum, was read
	start uint32 // the sum that it goes on from
	ending
	fault *fault // why end is not where the records end; nil: it is
	// accepted is where a fault is taken for what it is, and not for work in progress; 0: nowhere.
	accepted int64

	ids         *ids // nil: there is no metadata
	hasState    bool
	first, last walcore.HardState
	snapshots   []snapshotRecord
	unstated    int // how many of them come before the first hard state

	// stale says that bytes were found to be others than those that were listed.
	stale atomic.Bool
}

// ids are what metadata hold.
type ids struct{ node, cluster uint64 }

// table has a row for each record of an entry, in chunks that stay where they are: who has
// taken the table as it was reads it while rows are added.
type table struct {
	chunks []*[chunkRows]row
	n      int
}

// row is 16 bytes of an entry's record.
type row struct {
	frame  uint32 // where the frame begins, in units of 8 bytes
	size   uint32 // of the payload
	before uint32 // the sum before the record
	after  uint32 // and behind it
}

const chunkRows = 1024

func (t *table) row(slot int) *row { return &t.chunks[slot/chunkRows][slot%chunkRows] }

func (t *table) add(r row) {
	if t.n%chunkRows == 0 {
		t.chunks = append(t.chunks, new([chunkRows]row))
	}
	*t.row(t.n) = r
	t.n++
}

// addAll adds the rows of another table.
func (t *table) addAll(from *table) {
	for i := 0; i < from.n; {
		if t.n%chunkRows == 0 {
			t.chunks = append(t.chunks, new([chunkRows]row))
		}
		rows := from.chunks[i/chunkRows][i%chunkRows:]
		n := copy(t.chunks[t.n/chunkRows][t.n%chunkRows:], rows[:min(len(rows), from.n-i)])
		t.n, i = t.n+n, i+n
	}
}

// run is entries that follow one another in the file, with indexes that do, of one term and
// type. It goes on to the next run.
type run struct {
	slot        int
	index, term uint64
	typ         walcore.EntryType
}

// snapshotRecord is a record that names a snapshot.
type snapshotRecord struct {
	slot        int   // of the entry that comes next
	at          int64 // where the record begins
	index, term uint64
	commit      uint64 // of the hard state before it
}

// fault is what stands where the next record should.
type fault struct {
	kind    walcore.Kind
	message string
	// cut says that the file ends in the record, zeros that one of its sectors is all zero:
	// one that was written last is torn then.
	cut, zeros bool
}

const (
	// maxSegment is what a segment's table can count to.
	maxSegment = frameUnit << 32
	frameUnit  = 8
	// maxRecord is more than any record has. It bounds how long one is summed.
	maxRecord = 1 << 30
	// maxLeftover is how far behind the records' end is looked for others.
	maxLeftover = blockSize
)

// extend reads the records behind end, in up to so many parts. What it cannot read is a fault.
func (s *segment) extend(attr walcore.Attr, parts int) {
	s.attr, s.fault = attr, nil
	if err := s.readParts(min(attr.Size, maxSegment), parts); err != nil {
		s.fault = &fault{kind: walcore.KindUnreadable, message: fmt.Sprintf("cannot be read: %v", err)}
	}
}

// isReadError reports whether err is one of reading, and not of what was read.
func isReadError(err error) bool {
	return err != nil && !errors.Is(err, errWire) && !errors.Is(err, errManyFields)
}

// check says what is wrong with a record, or gives nil.
func (s *segment) check(parsed bool, typ uint64, stored, sum uint32) *fault {
	switch {
	case !parsed:
		return &fault{kind: walcore.KindChecksum, message: "a record does not parse"}
	case typ == recordCRC && s.begun && stored != s.sum:
		return &fault{kind: walcore.KindChecksum, message: fmt.Sprintf("a record says that the sum is %08x, it is %08x", stored, s.sum)}
	case typ != recordCRC && !s.begun:
		return &fault{kind: walcore.KindChecksum, message: "the file does not begin with the sum that it goes on from"}
	case typ != recordCRC && stored != sum:
		return &fault{kind: walcore.KindChecksum, message: fmt.Sprintf("a record's sum is %08x, that of its bytes is %08x", stored, sum)}
	}
	return nil
}

// addEntry adds the entry of a record whose sum is right.
func (s *segment) addEntry(parsed bool, e entryID, size, sum uint32) *fault {
	switch {
	case !parsed:
		return &fault{kind: walcore.KindChecksum, message: "an entry does not parse, while its sum is right"}
	case e.index == 0 || max(e.index, e.term) > walcore.MaxNumber || e.typ > 1<<31:
		return &fault{kind: walcore.KindRange, message: fmt.Sprintf("an entry of index %d, term %d, type %d: none can have that", e.index, e.term, e.typ)}
	}
	if s.end%frameUnit != 0 {
		return &fault{kind: walcore.KindOffset, message: "a frame does not begin at a multiple of 8 bytes"}
	}
	slot, typ := s.n, walcore.EntryType(e.typ)
	if r := (run{slot: slot, index: e.index, term: e.term, typ: typ}); !s.continues(r) {
		s.runs = append(s.runs, r)
	}
	s.add(row{uint32(s.end / frameUnit), size, s.sum, sum})
	return nil
}

// continues reports whether a run only goes on with the last one.
func (s *segment) continues(r run) bool {
	if len(s.runs) == 0 {
		return false
	}
	last := &s.runs[len(s.runs)-1]
	return last.term == r.term && last.typ == r.typ && last.index+uint64(r.slot-last.slot) == r.index
}

// addOther adds a record that is no entry's.
func (s *segment) addOther(typ uint64, sum uint32, data []byte) *fault {
	n, ok := numbers(data)
	if !ok {
		return &fault{kind: walcore.KindChecksum, message: fmt.Sprintf("the data of a record of type %d do not parse, while its sum is right", typ)}
	}
	switch typ {
	case recordCRC:
		if !s.begun {
			s.begun, s.start = true, sum
		}
	case recordMetadata:
		found := ids{n[1], n[2]}
		if s.ids != nil && *s.ids != found {
			return &fault{kind: walcore.KindConflict, message: fmt.Sprintf("from here on the file is that of node %x of cluster %x", n[1], n[2])}
		}
		s.ids = &found
	case recordState:
		s.last = walcore.HardState{Term: n[1], Vote: n[2], Commit: n[3]}
		if !s.hasState {
			s.first, s.hasState = s.last, true
		}
	case recordSnapshot:
		s.snapshots = append(s.snapshots, snapshotRecord{slot: s.n, at: s.end, index: n[1], term: n[2], commit: s.last.Commit})
		if !s.hasState {
			s.unstated++
		}
	default:
		return &fault{kind: walcore.KindType, message: fmt.Sprintf("a record of type %d, which etcd does not have", typ)}
	}
	return nil
}

// checkLeftover finds out whether anything but zeros stands behind the records: then the
// beginning of one was not written, and what follows was.
func (s *segment) checkLeftover() {
	zeros := zeroSectors{}
	_, err := sumOf(s.file, s.end, min(s.attr.Size, s.end+maxLeftover), 0, zeros.add)
	if err == nil && zeros.other {
		s.fault = &fault{kind: walcore.KindTorn, zeros: true, message: "its beginning is zero, and not what stands behind it"}
	}
}

// zeroSectors finds out whether all bytes in a sector are zero. Sectors are counted in the
// file, so that the first and the last one can be parts.
type zeroSectors struct {
	at    int64
	some  bool // of the sector of at bytes were seen
	zero  bool // and all of them are zero
	seen  bool // a whole sector was
	other bool // there is a byte that is not
}

func (z *zeroSectors) add(at int64, b []byte) {
	for len(b) > 0 {
		if !z.some || at%sectorSize == 0 {
			z.seen = z.found()
			z.some, z.zero = true, true
		}
		n := min(int64(len(b)), sectorSize-at%sectorSize)
		if !allZero(b[:n]) {
			z.zero, z.other = false, true
		}
		b, at = b[n:], at+n
	}
}

func (z *zeroSectors) found() bool { return z.seen || z.some && z.zero }

func hasZeroSector(b []byte, at int64) bool {
	var z zeroSectors
	z.add(at, b)
	return z.found()
}

func allZero(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) }

// payload gives the payload of an entry whose frame b begins with. ok is false if that is not
// the entry in the table: its bytes are not those that were listed.
func (t *table) payload(b []byte, e *walcore.Entry) (data []byte, ok bool) {
	if len(b) < frameHeader {
		return nil, false
	}
	n, _ := frameSize(b)
	if n > int64(len(b)-frameHeader) {
		return nil, false
	}
	r, ok := parseRecord(b[frameHeader : frameHeader+n])
	if !ok || r.typ != recordEntry || r.sum != t.row(e.Slot).after || crc32.Update(t.row(e.Slot).before, castagnoli, r.data) != r.sum {
		return nil, false
	}
	s, ok := parseEntry(r.data)
	return s.data, ok && s.isOf(e, int64(len(s.data)))
}

func (i entryID) isOf(e *walcore.Entry, size int64) bool {
	return i.index == e.Index && i.term == e.Term && walcore.EntryType(i.typ) == e.Type && size == e.Size
}

// readLarge fills p with a part of a payload whose frame is not held in memory. ok is false as
// in payload.
func (t *table) readLarge(r io.ReaderAt, size int64, e *walcore.Entry, p []byte, off int64) (ok bool, err error) {
	var header [frameHeader]byte
	from := int64(e.Offset)
	if err := readFull(r, header[:], from); err != nil {
		return false, err
	}
	from += frameHeader
	n, _ := frameSize(header[:])
	if n > size-from {
		return false, nil
	}
	rec, err := readLargeRecord(r, from, from+n)
	if err != nil || rec.typ != recordEntry || rec.sum != t.row(e.Slot).after {
		return false, onlyReadError(err)
	}
	is, err := readLargeEntry(r, rec.from, rec.to)
	if err != nil || !is.isOf(e, is.to-is.from) {
		return false, onlyReadError(err)
	}
	want := is.from + off
	sum, err := sumOf(r, rec.from, rec.to, t.row(e.Slot).before, func(at int64, block []byte) {
		first, last := max(want, at), min(want+int64(len(p)), at+int64(len(block)))
		if first < last {
			copy(p[first-want:], block[first-at:last-at])
		}
	})
	return err == nil && sum == rec.sum, err
}

func onlyReadError(err error) error {
	if isReadError(err) {
		return err
	}
	return nil
}
