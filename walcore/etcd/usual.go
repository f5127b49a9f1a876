package etcd

import "hash/crc32"

// readUsual takes the frames that b begins with and that begin before to, as long as they are
// of entries whose records have the form that etcd gives them: each field once, in order, and
// nothing else; some versions leave a type of 0 out, and there may be no payload. It does what readFrame does,
// in half of the time, and leaves what is amiss to that.
func (s *segment) readUsual(b []byte, to int64) {
	for s.begun && s.end < to && len(b) >= frameHeader {
		n, padding := frameSize(b)
		next := frameHeader + n + padding
		if next > int64(len(b)) {
			return
		}
		sum, data, ok := usualRecord(b[frameHeader : frameHeader+n])
		if !ok {
			return
		}
		e, size, ok := usualEntry(data)
		if !ok || crc32.Update(s.sum, castagnoli, data) != sum || s.addEntry(true, e, size, sum) != nil {
			return
		}
		s.ending = ending{s.end, s.end + next, sum}
		b = b[next:]
	}
}

func usualRecord(b []byte) (sum uint32, data []byte, ok bool) {
	if len(b) < 3 || b[0] != 1<<3 || b[1] != recordEntry || b[2] != 2<<3 {
		return 0, nil, false
	}
	v, b := usualNumber(b[3:])
	if len(b) == 0 || b[0] != 3<<3|2 || v>>32 != 0 {
		return 0, nil, false
	}
	n, data := usualNumber(b[1:])
	return uint32(v), data, data != nil && n == uint64(len(data))
}

// usualEntry takes apart what is summed. Size is of the payload.
func usualEntry(b []byte) (e entryID, size uint32, ok bool) {
	if len(b) > 1 && b[0] == 1<<3 && b[1] < 0x80 {
		e.typ, b = uint64(b[1]), b[2:]
	}
	if len(b) == 0 || b[0] != 2<<3 {
		return e, 0, false
	}
	if e.term, b = usualNumber(b[1:]); len(b) == 0 || b[0] != 3<<3 {
		return e, 0, false
	}
	if e.index, b = usualNumber(b[1:]); b != nil && len(b) == 0 {
		return e, 0, true
	}
	if b == nil || b[0] != 4<<3|2 {
		return e, 0, false
	}
	n, b := usualNumber(b[1:])
	return e, uint32(len(b)), b != nil && n == uint64(len(b))
}

// usualNumber takes a number of at most 56 bits, and gives what stands behind it; nil, if
// there is none.
func usualNumber(b []byte) (v uint64, rest []byte) {
	for i := range min(len(b), 8) {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return v, b[i+1:]
		}
	}
	return 0, nil
}
