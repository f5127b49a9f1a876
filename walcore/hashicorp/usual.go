package hashicorp

import "encoding/binary"

// What raft-boltdb writes of nearly all entries: six fields in this order, a time of 15 bytes, a
// payload of less than 64 KiB, no extensions, small numbers.
const (
	usualTime  = "\x86\xaaAppendedAt\xaf\x01"
	usualData  = "\xa4Data"
	usualNone  = "\xaaExtensions" // and 0xa0 or 0xc0: empty or nil
	usualIndex = "\xa5Index"
	usualTerm  = "\xa4Term"
	usualType  = "\xa4Type"
)

const (
	timeAt   = len(usualTime)
	dataAt   = timeAt + 8 + 4 + 2 // seconds, nanoseconds, time zone
	lengthAt = dataAt + len(usualData)
	indexAt  = len(usualNone) + 1 // behind the payload
	numberAt = indexAt + len(usualIndex)
)

// usualSlot takes a value apart that has that form. It does what parseMsgpack and slotOf do in a
// fifth of the time, but for the sum, and for zeros, which no index and no term are.
func usualSlot(v []byte) (index, term uint64, s slot, ok bool) {
	if len(v) < lengthAt+3 || string(v[:timeAt]) != usualTime || string(v[dataAt:lengthAt]) != usualData {
		return 0, 0, s, false
	}
	sec, nsec := binary.BigEndian.Uint64(v[timeAt:])-yearOneToUnix, binary.BigEndian.Uint32(v[timeAt+8:])
	size, at := 0, lengthAt
	switch c := v[at]; {
	case c&0xe0 == 0xa0:
		size, at = int(c&0x1f), at+1
	case c == 0xd9:
		size, at = int(v[at+1]), at+2
	case c == 0xda:
		size, at = int(binary.BigEndian.Uint16(v[at+1:])), at+3
	default:
		return 0, 0, s, false
	}
	if nsec >= 1e9 || len(v)-at-size < numberAt {
		return 0, 0, s, false
	}
	b := v[at+size:]
	if string(b[:len(usualNone)]) != usualNone || b[indexAt-1] != 0xa0 && b[indexAt-1] != 0xc0 || string(b[indexAt:numberAt]) != usualIndex {
		return 0, 0, s, false
	}
	if index, b = usualNumber(b[numberAt:]); len(b) < len(usualTerm) || string(b[:len(usualTerm)]) != usualTerm {
		return 0, 0, s, false
	}
	if term, b = usualNumber(b[len(usualTerm):]); len(b) != len(usualType)+1 || string(b[:len(usualType)]) != usualType || b[len(usualType)] >= 0x80 {
		return 0, 0, s, false
	}
	s.appended = nanoseconds(int64(sec), uint64(nsec))
	s.value, s.size, s.dataAt, s.typ = uint32(len(v)), uint32(size), uint16(at), b[len(usualType)]
	return index, term, s, true
}

// usualNumber takes a number of at most 32 bits, and gives what stands behind it; nil, if there
// is none.
func usualNumber(b []byte) (v uint64, rest []byte) {
	if len(b) < 5 {
		return 0, nil
	}
	switch c := b[0]; {
	case c < 0x80:
		return uint64(c), b[1:]
	case c == 0xcc:
		return uint64(b[1]), b[2:]
	case c == 0xcd:
		return uint64(binary.BigEndian.Uint16(b[1:])), b[3:]
	case c == 0xce:
		return uint64(binary.BigEndian.Uint32(b[1:])), b[5:]
	}
	return 0, nil
}
