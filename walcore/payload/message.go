package payload

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// message is an encoded message with its schema. Through it only those fields are
// seen that the schema has, with the wire type that the schema has: what the JSON lists
// under unknown_fields is unknown to whoever reads a message, too.
type message struct {
	plan *messagePlan
	b    []byte
}

// fields steps through the known fields, in the order they are stored:
//
//	for f := m.fields(); f.next(); {
//		… f.num, f.u, f.b, f.message()
//	}
func (m message) fields() knownFields {
	return knownFields{fields: fields{msg: m.b}, plan: m.plan}
}

type knownFields struct {
	fields
	plan  *messagePlan
	known *fieldPlan // of the current field
}

func (f *knownFields) next() bool {
	for f.off >= 0 && f.off < len(f.msg) {
		if !f.short() {
			if !f.fields.next() {
				return false
			}
			f.known = f.plan.find(f.num, f.typ)
		}
		switch {
		case f.known == nil:
		case f.known.mapKey != nil:
			if known, _ := f.known.entryKnown(f.b); known {
				return true
			}
		default:
			f.u = f.known.number(f.u)
			return true
		}
	}
	return false
}

// short reads the next field if it is of the commonest form: a known one with a tag of one
// byte, and a varint or bytes whose number has one or two. Else it reads nothing.
func (f *knownFields) short() bool {
	rest := f.msg[f.off:]
	if rest[0] >= 0x80 || len(rest) < 3 {
		return false
	}
	plan := &f.plan.tags[rest[0]]
	n, at := uint64(rest[1]), 2
	if n >= 0x80 {
		n, at = n&0x7f|uint64(rest[2])<<7, 3
		if rest[2] >= 0x80 {
			return false
		}
	}
	switch plan.step {
	case varintStep:
		f.u, f.b = n, nil
	case bytesStep, stringStep, deepStep:
		if n > uint64(len(rest)-at) {
			return false
		}
		end := at + int(n)
		f.u, f.b, at = 0, rest[at:end:end], end
	default:
		return false
	}
	f.num, f.known = protowire.Number(rest[0]>>3), plan.field
	f.off += at
	return true
}

// message is the content of the current field, which is a message or an entry of a map.
func (f *knownFields) message() message {
	if f.known.entry != nil {
		return message{f.known.entry, f.b}
	}
	return message{f.known.message, f.b}
}

// number is the value of a field of up to 64 bits as its kind cuts it, so that it is the
// number that the JSON shows.
func (f *fieldPlan) number(u uint64) uint64 {
	switch f.kind {
	case protoreflect.BoolKind:
		return min(u, 1)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return uint64(uint32(u))
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind, protoreflect.EnumKind:
		return uint64(int64(int32(u)))
	}
	return u
}

// merge adds a part of a message that comes in parts. What is put together is a copy: a field's
// bytes have no capacity beyond their length.
func (m *message) merge(part message) {
	if m.plan == nil {
		*m = part
		return
	}
	m.b = append(m.b, part.b...)
}

// number returns the last number that is stored in field num, or 0.
func (m message) number(num int) (u uint64) {
	for f := m.fields(); f.next(); {
		if int(f.num) == num {
			u = f.u
		}
	}
	return u
}

// bytes returns the last text or bytes stored in field num, or nil.
func (m message) bytes(num int) (b []byte) {
	for f := m.fields(); f.next(); {
		if int(f.num) == num {
			b = f.b
		}
	}
	return b
}

// sub returns the last message stored in field num. ok is false if there is none.
func (m message) sub(num int) (sub message, ok bool) {
	for f := m.fields(); f.next(); {
		if int(f.num) == num {
			sub, ok = f.message(), true
		}
	}
	return sub, ok
}
