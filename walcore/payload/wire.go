package payload

import "google.golang.org/protobuf/encoding/protowire"

// field is one field of an encoded message:
//
//	tag (varint: number << 3 | wire type) · value
//
// The bytes of a field point into the message: they are never copied. They have
// no capacity beyond their length, so that appending to them copies.
type field struct {
	num protowire.Number
	typ protowire.Type
	u   uint64 // the value of a varint, fixed32 or fixed64
	b   []byte // the content of a bytes field, or of a group without its tags
}

// readField reads the field that begins at off and returns where the next one
// begins, or -1 if the message is malformed there. Every length is checked
// against what is left; nothing is allocated.
func readField(msg []byte, off int) (f field, next int) {
	tag, off := readVarint(msg, off)
	if off < 0 || tag>>3 > uint64(protowire.MaxValidNumber) || tag>>3 == 0 {
		return f, -1
	}
	f.num, f.typ = protowire.Number(tag>>3), protowire.Type(tag&7)
	switch f.typ {
	case protowire.VarintType:
		f.u, off = readVarint(msg, off)
		return f, off
	case protowire.BytesType:
		n, off := readVarint(msg, off)
		if off < 0 || n > uint64(len(msg)-off) {
			return f, -1
		}
		next = off + int(n)
		f.b = msg[off:next:next]
		return f, next
	case protowire.Fixed64Type:
		if len(msg)-off < 8 {
			return f, -1
		}
		f.u, _ = protowire.ConsumeFixed64(msg[off:])
		return f, off + 8
	case protowire.Fixed32Type:
		if len(msg)-off < 4 {
			return f, -1
		}
		u, _ := protowire.ConsumeFixed32(msg[off:])
		f.u = uint64(u)
		return f, off + 4
	case protowire.StartGroupType:
		b, n := protowire.ConsumeGroup(f.num, msg[off:])
		if n < 0 {
			return f, -1
		}
		f.b = b[:len(b):len(b)]
		return f, off + n
	}
	return f, -1
}

// readCut reads what there is of a bytes field that begins at off and is longer
// than what is left of the message.
func readCut(msg []byte, off int) (f field, ok bool) {
	tag, off := readVarint(msg, off)
	if off < 0 || protowire.Type(tag&7) != protowire.BytesType || tag>>3 > uint64(protowire.MaxValidNumber) {
		return f, false
	}
	if _, off = readVarint(msg, off); off < 0 {
		return f, false
	}
	return field{num: protowire.Number(tag >> 3), typ: protowire.BytesType, b: msg[off:]}, true
}

// readVarint reads the varint at off and returns what follows it, or -1.
func readVarint(b []byte, off int) (uint64, int) {
	if off < len(b) && b[off] < 0x80 {
		return uint64(b[off]), off + 1
	}
	u, n := protowire.ConsumeVarint(b[off:])
	if n < 0 {
		return 0, -1
	}
	return u, off + n
}

// fields steps through the fields of a message in the order they are stored:
//
//	for f := (fields{msg: b}); f.next(); {
//		… f.num, f.typ, f.u, f.b
//	}
//
// It ends early at the first malformed field.
type fields struct {
	field
	msg []byte
	off int
}

func (f *fields) next() bool {
	if f.off < 0 || f.off >= len(f.msg) {
		return false
	}
	f.field, f.off = readField(f.msg, f.off)
	return f.off >= 0
}

// readPacked reads the element of a packed list that begins at off, of the
// given wire type, and returns where the next one begins, or -1.
func readPacked(b []byte, off int, typ protowire.Type) (uint64, int) {
	switch typ {
	case protowire.VarintType:
		return readVarint(b, off)
	case protowire.Fixed64Type:
		if len(b)-off >= 8 {
			u, _ := protowire.ConsumeFixed64(b[off:])
			return u, off + 8
		}
	case protowire.Fixed32Type:
		if len(b)-off >= 4 {
			u, _ := protowire.ConsumeFixed32(b[off:])
			return uint64(u), off + 4
		}
	}
	return 0, -1
}
