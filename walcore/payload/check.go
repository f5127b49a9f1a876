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

// parses reports whether b is a message, whatever its fields.
func (p *messagePlan) parses(b []byte) bool { return checker{}.message(p, b, 0) != malformed }

// checker compares bytes with a schema. It goes through each payload of a log.
type checker struct {
	texts bool // whether strings are plain text matters
}

// step is what is done with a field, which a table gives by the field's first byte.
// Nearly all tags have one byte.
type step uint8

const (
	otherStep   step = iota // the tag is longer, or the field is not as in the schema
	varintStep              // a varint
	fixed32Step             // four bytes
	fixed64Step             // eight bytes
	bytesStep               // bytes that are not looked at
	stringStep              // a string
	deepStep                // a message, an entry of a map, a packed list
)

// tagPlan is what to do with a field with a certain tag.
type tagPlan struct {
	step  step
	field *fieldPlan
}

// tagPlans are those of a message by tag, for tags of one byte.
func tagPlans(fields []*fieldPlan) (plans [0x80]tagPlan) {
	for num, f := range fields[:min(len(fields), 0x80>>3)] {
		if f == nil || num == 0 {
			continue
		}
		plans[num<<3|int(f.typ)] = tagPlan{f.step(), f}
		if f.packed(protowire.BytesType) {
			plans[num<<3|int(protowire.BytesType)] = tagPlan{deepStep, f}
		}
	}
	return plans
}

// step is what is done with a field of its own wire type.
func (f *fieldPlan) step() step {
	switch {
	case f.typ == protowire.VarintType:
		return varintStep
	case f.typ == protowire.Fixed32Type:
		return fixed32Step
	case f.typ == protowire.Fixed64Type:
		return fixed64Step
	case f.typ != protowire.BytesType:
		return otherStep
	case f.message != nil || f.entry != nil:
		return deepStep
	case f.kind == protoreflect.StringKind:
		return stringStep
	}
	return bytesStep
}

func (c checker) message(p *messagePlan, b []byte, depth int) match {
	result := exact
	var seen [3]bool // fields of a map's entry, which has each once
	for off := 0; off < len(b); {
		plan := &p.tags[b[off]&0x7f]
		if b[off] >= 0x80 || plan.step == otherStep {
			one, next := c.other(p, b, off, depth)
			if result = min(result, one); result == malformed {
				return malformed
			}
			off = next
			continue
		}
		if p.isEntry {
			num := b[off] >> 3
			if seen[num] {
				result = min(result, unknownFields)
			}
			seen[num] = true
		}
		off++
		switch plan.step {
		case varintStep:
			if off < len(b) && b[off] < 0x80 {
				off++
			} else if _, off = readVarint(b, off); off < 0 {
				return malformed
			}
		case fixed32Step:
			off += 4
		case fixed64Step:
			off += 8
		default:
			var n uint64
			if off < len(b) && b[off] < 0x80 {
				n, off = uint64(b[off]), off+1
			} else if n, off = readVarint(b, off); off < 0 {
				return malformed
			}
			if n > uint64(len(b)-off) {
				return malformed
			}
			value := b[off : off+int(n)]
			off += int(n)
			if plan.step == deepStep || plan.step == stringStep && c.texts {
				if result = min(result, c.field(plan.field, value, depth)); result == malformed {
					return malformed
				}
			}
		}
		if off > len(b) {
			return malformed
		}
	}
	return result
}

// other compares a field that tagPlans has not, and returns where the next one begins.
func (c checker) other(p *messagePlan, b []byte, off, depth int) (match, int) {
	v, next := readField(b, off)
	if next < 0 {
		return malformed, 0
	}
	f := p.byNumber(v.num)
	switch {
	case f == nil, p.isEntry: // an entry has two fields, whose tags have one byte
		return unknownFields, next
	case v.typ != f.typ && !f.packed(v.typ):
		return otherTypes, next
	case v.typ == protowire.BytesType:
		return c.field(f, v.b, depth), next
	}
	return exact, next
}

// field compares the bytes of a field, which is in the schema, with that.
func (c checker) field(f *fieldPlan, b []byte, depth int) match {
	switch {
	case f.entry != nil:
		return c.message(f.entry, b, depth+1)
	case f.message != nil:
		if depth+1 >= maxDepth {
			return malformed
		}
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

// knowsAny reports whether b has a field that is in p's schema.
func (p *messagePlan) knowsAny(b []byte) bool {
	for f := (fields{msg: b}); f.next(); {
		if p.find(f.num, f.typ) != nil {
			return true
		}
	}
	return false
}
