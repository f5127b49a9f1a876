package payload

import "google.golang.org/protobuf/reflect/protoreflect"

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
	for f.fields.next() {
		f.known = f.plan.find(f.num, f.typ)
		if f.known == nil {
			continue
		}
		if f.known.mapKey != nil {
			if known, _ := f.known.entryKnown(f.b); !known {
				continue
			}
		}
		f.u = f.known.number(f.u)
		return true
	}
	return false
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
