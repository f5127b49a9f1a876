package payload

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// match says how well bytes agree with a message's schema.
type match uint8

const (
	malformed     match = iota // not a message at all
	otherTypes                 // a message, with a field whose number the schema has for another wire type
	unknownFields              // a message, with fields that are not in the schema
	oddStrings                 // all fields known, but strings that are not plain text
	exact                      // all fields known
)

// check compares b with p without writing anything.
func (p *messagePlan) check(b []byte) match { return checker{texts: true}.message(p, b, 0) }

// checker compares bytes with a schema. It goes through each payload of a log, and so
// it reads fields by itself: readField would take twice as long.
type checker struct {
	texts bool // whether strings are plain text matters
}

func (c checker) message(p *messagePlan, b []byte, depth int) match {
	if depth >= maxDepth {
		return malformed
	}
	result := exact
	for len(b) > 0 {
		num, typ, value, n := readQuickly(b)
		if n < 0 {
			return malformed
		}
		b = b[n:]
		f := p.byNumber(num)
		one := exact
		switch {
		case f == nil:
			one = unknownFields
		case typ != f.typ && !f.packed(typ):
			one = otherTypes
		case typ == protowire.BytesType:
			one = c.field(f, value, depth)
		}
		if result = min(result, one); result == malformed {
			return malformed
		}
	}
	return result
}

// readQuickly reads a field as readField does, but of the value only the bytes of a
// BytesType. It returns how many bytes the field has, or -1.
func readQuickly(b []byte) (num protowire.Number, typ protowire.Type, value []byte, n int) {
	num, typ, n = readTag(b)
	if n < 0 {
		return 0, 0, nil, -1
	}
	m := 0
	if typ == protowire.BytesType {
		value, m = readBytes(b[n:])
	} else {
		m = skip(num, typ, b[n:])
	}
	if m < 0 {
		return 0, 0, nil, -1
	}
	return num, typ, value, n + m
}

// readTag reads the number and the wire type of a field, and returns how many bytes they
// have, or -1.
func readTag(b []byte) (protowire.Number, protowire.Type, int) {
	tag, n := uint64(b[0]), 1
	if tag >= 0x80 {
		if tag, n = protowire.ConsumeVarint(b); n < 0 {
			return 0, 0, -1
		}
	}
	if tag>>3 == 0 || tag>>3 > uint64(protowire.MaxValidNumber) {
		return 0, 0, -1
	}
	return protowire.Number(tag >> 3), protowire.Type(tag & 7), n
}

// readBytes reads a length and so many bytes, and returns how many that are, or -1.
func readBytes(b []byte) (value []byte, n int) {
	if len(b) > 0 && b[0] < 0x80 && int(b[0]) < len(b) {
		n = 1 + int(b[0])
		return b[1:n], n
	}
	length, n := protowire.ConsumeVarint(b)
	if n < 0 || length > uint64(len(b)-n) {
		return nil, -1
	}
	return b[n : n+int(length)], n + int(length)
}

// skip returns how many bytes the value of a field has that is not of BytesType, or -1.
func skip(num protowire.Number, typ protowire.Type, b []byte) int {
	switch typ {
	case protowire.VarintType:
		if len(b) > 0 && b[0] < 0x80 {
			return 1
		}
		_, n := protowire.ConsumeVarint(b)
		return n
	case protowire.Fixed64Type:
		if len(b) >= 8 {
			return 8
		}
	case protowire.Fixed32Type:
		if len(b) >= 4 {
			return 4
		}
	case protowire.StartGroupType:
		_, n := protowire.ConsumeGroup(num, b)
		return n
	}
	return -1
}

// field compares the bytes of a field, which is in the schema, with that.
func (c checker) field(f *fieldPlan, b []byte, depth int) match {
	switch {
	case f.mapKey != nil:
		return c.entry(f, b, depth)
	case f.message != nil:
		return c.message(f.message, b, depth+1)
	case f.packed(protowire.BytesType):
		for off := 0; off < len(b); {
			if _, off = readPacked(b, off, f.typ); off < 0 {
				return malformed
			}
		}
	case c.texts && f.kind == protoreflect.StringKind && !printable(b):
		return oddStrings
	}
	return exact
}

// entry compares an entry of a map with the schema. It is known if entryKnown says so.
func (c checker) entry(f *fieldPlan, b []byte, depth int) match {
	result, known := exact, true
	var seen [3]bool
	for len(b) > 0 {
		num, typ, value, n := readQuickly(b)
		if n < 0 {
			return malformed
		}
		b = b[n:]
		part := f.mapKey
		if num == 2 {
			part = f.mapValue
		}
		if num > 2 || typ != part.typ || seen[num] {
			known = false
			continue
		}
		seen[num] = true
		if typ == protowire.BytesType {
			result = min(result, c.field(part, value, depth+1))
		}
	}
	if !known {
		return unknownFields
	}
	return result
}

// knowsAny reports whether b has a field that is in p's schema.
func (p *messagePlan) knowsAny(b []byte) bool {
	for f := (fields{msg: b}); f.next(); {
		if p.find(f.num, f.typ) != nil {
			return true
		}
	}
	return false
}
