package hashicorp

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/walfs/walfs/walcore"
)

// record is what a stored value says of its entry.
type record struct {
	index, term uint64
	typ         uint8
	dataAt      int   // where the payload is in the value
	size        int   // of the payload
	appended    int64 // in ns since 1970; 0: not known
	extensions  []byte
}

// parser takes a value apart. What it gives lies within the value.
type parser func(value []byte) (record, error)

// check finds what cannot be in a value.
func (r *record) check() error {
	switch {
	case r.index == 0 || r.index > walcore.MaxNumber:
		return fmt.Errorf("its index would be %d", r.index)
	case r.term == 0 || r.term > walcore.MaxNumber:
		return fmt.Errorf("its term would be %d", r.term)
	}
	return nil
}

// resized gives a slice of n bytes of a buffer that grows.
func resized(buf *[]byte, n int) []byte {
	if cap(*buf) < n {
		*buf = make([]byte, n)
	}
	return (*buf)[:n]
}

// bytesLeft takes a value apart from its beginning on. The first failure stays.
type bytesLeft struct {
	all, rest []byte
	err       error
}

func (b *bytesLeft) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("at byte %d of the value: %w", len(b.all)-len(b.rest), fmt.Errorf(format, args...))
	}
	b.rest = nil
}

// take gives the next n bytes, or nil if there are fewer.
func (b *bytesLeft) take(n uint64) []byte {
	if n > uint64(len(b.rest)) {
		b.fail("%d bytes should follow, and %d do", n, len(b.rest))
		return nil
	}
	taken := b.rest[:n]
	b.rest = b.rest[n:]
	return taken
}

// number takes n bytes as a number, the most significant first.
func (b *bytesLeft) number(n uint64) (v uint64) {
	for _, c := range b.take(n) {
		v = v<<8 | uint64(c)
	}
	return v
}

func (b *bytesLeft) byte() byte {
	if len(b.rest) == 0 {
		b.take(1) // which fails
		return 0
	}
	c := b.rest[0]
	b.rest = b.rest[1:]
	return c
}

func (b *bytesLeft) uvarint() uint64 {
	v, n := binary.Uvarint(b.rest)
	if n <= 0 {
		b.fail("a number was expected")
		return 0
	}
	b.rest = b.rest[n:]
	return v
}

// payload notes that the next n bytes are the payload, and takes them.
func (b *bytesLeft) payload(r *record, n uint64) {
	r.dataAt = len(b.all) - len(b.rest)
	r.size = len(b.take(n))
}

func (b *bytesLeft) entryType(v uint64) uint8 {
	if v > math.MaxUint8 {
		b.fail("its type would be %d", v)
	}
	return uint8(v)
}

// end is the error of a value that was taken apart whole.
func (b *bytesLeft) end(r *record) error {
	if b.err == nil && len(b.rest) > 0 {
		b.fail("%d bytes are left over", len(b.rest))
	}
	if b.err != nil {
		return b.err
	}
	return r.check()
}

// parseCodec1 takes a value of raft-wal's first codec apart.
func parseCodec1(value []byte) (r record, err error) {
	b := bytesLeft{all: value, rest: value}
	size := b.codec1Head(&r)
	b.payload(&r, size)
	b.codec1Tail(&r)
	return r, b.end(&r)
}

// codec1Head takes what stands before the payload, and gives that one's size.
func (b *bytesLeft) codec1Head(r *record) (size uint64) {
	r.index, r.term = b.uvarint(), b.uvarint()
	r.typ = b.entryType(b.uvarint())
	return b.uvarint()
}

// codec1Tail takes what stands behind it.
func (b *bytesLeft) codec1Tail(r *record) {
	r.extensions = b.take(b.uvarint())
	r.appended = b.goTime(uint64(len(b.rest)))
}

const (
	yearOneToUnix = 62135596800 // seconds from year 1, which Go counts from, to 1970
	latest        = math.MaxInt64 / 1_000_000_000
)

// goTime takes a time as Go's time.MarshalBinary writes it: a version, seconds since year 1,
// nanoseconds, and the time zone's minutes, from version 2 on with seconds.
func (b *bytesLeft) goTime(n uint64) int64 {
	if n != 15 && n != 16 {
		b.fail("a time of 15 or 16 bytes was expected, not of %d", n)
		return 0
	}
	if version := b.byte(); uint64(version) != n-14 {
		b.fail("a time of %d bytes has version %d", n, version)
		return 0
	}
	sec, nsec := b.number(8), b.number(4)
	b.take(n - 13)
	return b.nanoseconds(int64(sec)-yearOneToUnix, nsec)
}

func (b *bytesLeft) nanoseconds(sec int64, nsec uint64) int64 {
	if nsec >= 1e9 {
		b.fail("a second would have %d ns", nsec)
		return 0
	}
	return nanoseconds(sec, nsec)
}

// nanoseconds gives 0 for a time that says that it is not known.
func nanoseconds(sec int64, nsec uint64) int64 {
	if sec <= 0 || sec >= latest {
		return 0
	}
	return sec*1e9 + int64(nsec)
}

// parseMsgpack takes a value of raft-boltdb apart: a msgpack map.
func parseMsgpack(value []byte) (r record, err error) {
	b := bytesLeft{all: value, rest: value}
	seen := 0
	for range b.mapLength() {
		if b.err != nil {
			break
		}
		switch string(b.take(b.stringLength())) {
		case "Index":
			r.index = b.msgpackUint()
			seen |= 1
		case "Term":
			r.term = b.msgpackUint()
			seen |= 2
		case "Type":
			r.typ = b.entryType(b.msgpackUint())
			seen |= 4
		case "Data":
			b.payload(&r, b.stringLength())
			seen |= 8
		case "Extensions":
			r.extensions = b.take(b.stringLength())
		case "AppendedAt":
			r.appended = b.msgpackTime()
		default:
			b.fail("a field that entries do not have")
		}
	}
	if b.err == nil && seen != 15 {
		b.fail("not all of Index, Term, Type and Data are there")
	}
	return r, b.end(&r)
}

func (b *bytesLeft) mapLength() uint64 {
	switch c := b.byte(); {
	case c&0xf0 == 0x80:
		return uint64(c & 0x0f)
	case c == 0xde:
		return b.number(2)
	default:
		b.fail("a map was expected, not 0x%02x", c)
		return 0
	}
}

// stringLength takes what stands before a string or before bytes. Nil is none.
func (b *bytesLeft) stringLength() uint64 {
	switch c := b.byte(); {
	case c&0xe0 == 0xa0:
		return uint64(c & 0x1f)
	case c == 0xd9 || c == 0xc4:
		return b.number(1)
	case c == 0xda || c == 0xc5:
		return b.number(2)
	case c == 0xdb || c == 0xc6:
		return b.number(4)
	case c == 0xc0:
		return 0
	default:
		b.fail("a string was expected, not 0x%02x", c)
		return 0
	}
}

// msgpackUint takes a number that is not negative.
func (b *bytesLeft) msgpackUint() uint64 {
	switch c := b.byte(); {
	case c < 0x80:
		return uint64(c)
	case c >= 0xcc && c <= 0xcf: // of 1, 2, 4 or 8 bytes
		return b.number(1 << (c - 0xcc))
	case c >= 0xd0 && c <= 0xd3: // the same with a sign
		bytes := uint64(1) << (c - 0xd0)
		v := b.number(bytes)
		if v>>(8*bytes-1) != 0 {
			b.fail("a number is negative")
		}
		return v
	default:
		b.fail("a number was expected, not 0x%02x", c)
		return 0
	}
}

// msgpackTime takes a time: Go's as a string, or msgpack's own as an extension of type -1 or, in
// raft-boltdb, as a string with the extension's bytes.
func (b *bytesLeft) msgpackTime() int64 {
	n, kind := uint64(0), byte(0xff)
	switch c := b.byte(); c {
	case 0xc0: // nil
		return 0
	case 0xd6:
		n, kind = 4, b.byte()
	case 0xd7:
		n, kind = 8, b.byte()
	case 0xc7:
		n = b.number(1)
		kind = b.byte()
	default:
		b.rest = b.all[len(b.all)-len(b.rest)-1:] // it is not taken yet
		if n = b.stringLength(); n > 12 {
			return b.goTime(n)
		}
	}
	if kind != 0xff {
		b.fail("an extension of type %d in the place of a time", int8(kind))
	}
	switch n {
	case 4:
		return b.nanoseconds(int64(b.number(4)), 0)
	case 8:
		v := b.number(8)
		return b.nanoseconds(int64(v&(1<<34-1)), v>>34)
	case 12:
		nsec := b.number(4)
		return b.nanoseconds(int64(b.number(8)), nsec)
	}
	b.fail("a time of %d bytes", n)
	return 0
}
