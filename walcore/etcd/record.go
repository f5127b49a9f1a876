package etcd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// Types of records.
const (
	recordMetadata = 1
	recordEntry    = 2
	recordState    = 3
	recordCRC      = 4
	recordSnapshot = 5
)

const (
	frameHeader = 8
	sectorSize  = 512
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frameSize reads the header of a frame: how long its record is, and what stands between it
// and the next frame.
func frameSize(header []byte) (record int64, padding int64) {
	n := binary.LittleEndian.Uint64(header)
	record = int64(n & (1<<56 - 1))
	if n>>63 != 0 {
		padding = int64(n >> 56 & 7)
	}
	return record, padding
}

// record is what a frame holds. Data are part of what it was parsed from.
type record struct {
	typ  uint64
	sum  uint32
	data []byte
}

// entryID is what an entry's record says of it.
type entryID struct{ typ, term, index uint64 }

// storedEntry is what the data of an entry's record hold.
type storedEntry struct {
	entryID
	data []byte
}

var (
	errWire       = errors.New("is no protobuf")
	errManyFields = fmt.Errorf("has more than %d fields", maxFields)
)

// parseRecord parses what a frame holds.
func parseRecord(b []byte) (r record, ok bool) {
	for count := 0; len(b) > 0; count++ {
		if count == maxFields {
			return r, false
		}
		var n int
		var v uint64
		switch b[0] {
		case 1 << 3:
			r.typ, n = protowire.ConsumeVarint(b[1:])
		case 2 << 3:
			v, n = protowire.ConsumeVarint(b[1:])
			r.sum = uint32(v)
		case 3<<3 | 2:
			r.data, n = protowire.ConsumeBytes(b[1:])
		default:
			n = skipField(b)
		}
		if n < 0 {
			return r, false
		}
		b = b[1+n:]
	}
	return r, true
}

// parseEntry parses the data of an entry's record.
func parseEntry(b []byte) (e storedEntry, ok bool) {
	for count := 0; len(b) > 0; count++ {
		if count == maxFields {
			return e, false
		}
		var n int
		switch b[0] {
		case 1 << 3:
			e.typ, n = protowire.ConsumeVarint(b[1:])
		case 2 << 3:
			e.term, n = protowire.ConsumeVarint(b[1:])
		case 3 << 3:
			e.index, n = protowire.ConsumeVarint(b[1:])
		case 4<<3 | 2:
			e.data, n = protowire.ConsumeBytes(b[1:])
		default:
			n = skipField(b)
		}
		if n < 0 {
			return e, false
		}
		b = b[1+n:]
	}
	return e, true
}

// skipField is how long a field is, but for its first byte; negative: it is none, or a group,
// which etcd does not write.
func skipField(b []byte) int {
	_, typ, n := protowire.ConsumeField(b)
	if typ == protowire.StartGroupType {
		return -1
	}
	return n - 1 // an error stays negative
}

// numbers reads the first fields of a message that are numbers.
func numbers(b []byte) (n [4]uint64, ok bool) {
	for len(b) > 0 {
		num, typ, size := protowire.ConsumeField(b)
		if size < 0 {
			return n, false
		}
		if typ == protowire.VarintType && int(num) < len(n) {
			_, _, tag := protowire.ConsumeTag(b)
			n[num], _ = protowire.ConsumeVarint(b[tag:])
		}
		b = b[size:]
	}
	return n, true
}

// A message that is too large to be held in memory is read field by field.

// field is one of them: a number, or where its bytes are.
type field struct {
	num      protowire.Number
	value    uint64
	from, to int64
	isBytes  bool
}

// maxFields bounds how many fields a message can have: in a large one each takes a read.
const maxFields = 64

// eachField goes through the fields of a message that is stored in r between from and to.
func eachField(r io.ReaderAt, from, to int64, fn func(f field)) error {
	var buf [2 * binary.MaxVarintLen64]byte
	for n := 0; from < to; n++ {
		if n == maxFields {
			return errManyFields
		}
		b := buf[:min(int64(len(buf)), to-from)]
		if err := readFull(r, b, from); err != nil {
			return err
		}
		num, typ, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return errWire
		}
		f := field{num: num}
		size := protowire.ConsumeFieldValue(num, typ, b[tag:])
		switch typ {
		case protowire.VarintType:
			f.value, _ = protowire.ConsumeVarint(b[tag:])
		case protowire.BytesType:
			length, at := protowire.ConsumeVarint(b[tag:])
			if at < 0 || length > uint64(to-from-int64(tag+at)) {
				return errWire
			}
			f.isBytes, f.from = true, from+int64(tag+at)
			f.to = f.from + int64(length)
			size = at
		}
		if size < 0 {
			return errWire
		}
		if from += int64(tag + size); f.isBytes {
			from = f.to
		}
		fn(f)
	}
	return nil
}

// largeRecord is a record that is not held in memory: Data are from and to.
type largeRecord struct {
	typ      uint64
	sum      uint32
	from, to int64
}

func readLargeRecord(r io.ReaderAt, from, to int64) (rec largeRecord, err error) {
	rec.from, rec.to = to, to
	err = eachField(r, from, to, func(f field) {
		switch {
		case f.num == 1 && !f.isBytes:
			rec.typ = f.value
		case f.num == 2 && !f.isBytes:
			rec.sum = uint32(f.value)
		case f.num == 3 && f.isBytes:
			rec.from, rec.to = f.from, f.to
		}
	})
	return rec, err
}

// largeEntry is an entry that is not held in memory. Its payload is from and to.
type largeEntry struct {
	entryID
	from, to int64
}

func readLargeEntry(r io.ReaderAt, from, to int64) (e largeEntry, err error) {
	e.from, e.to = to, to
	err = eachField(r, from, to, func(f field) {
		switch {
		case f.num == 1 && !f.isBytes:
			e.typ = f.value
		case f.num == 2 && !f.isBytes:
			e.term = f.value
		case f.num == 3 && !f.isBytes:
			e.index = f.value
		case f.num == 4 && f.isBytes:
			e.from, e.to = f.from, f.to
		}
	})
	return e, err
}

// sumOf goes on with a running sum over a part of a file. take is given the blocks, if it is
// not nil.
func sumOf(r io.ReaderAt, from, to int64, sum uint32, take func(at int64, block []byte)) (uint32, error) {
	buf := blocks.Get().(*[]byte)
	defer blocks.Put(buf)
	for at := from; at < to; {
		b := (*buf)[:min(int64(len(*buf)), to-at)]
		if err := readFull(r, b, at); err != nil {
			return 0, err
		}
		sum = crc32.Update(sum, castagnoli, b)
		if take != nil {
			take(at, b)
		}
		at += int64(len(b))
	}
	return sum, nil
}
