package payload

import "google.golang.org/protobuf/reflect/protoreflect"

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
func (p *messagePlan) check(b []byte) match { return p.checkAt(b, 0) }

func (p *messagePlan) checkAt(b []byte, depth int) match {
	if depth >= maxDepth {
		return malformed
	}
	result := exact
	for off := 0; off < len(b); {
		var v field
		if v, off = readField(b, off); off < 0 {
			return malformed
		}
		one := unknownFields
		if f := p.find(v.num, v.typ); f != nil {
			one = f.check(v, depth)
		} else if p.byNumber(v.num) != nil {
			one = otherTypes
		}
		result = min(result, one)
		if result == malformed {
			return malformed
		}
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

func (f *fieldPlan) check(v field, depth int) match {
	switch {
	case f.mapKey != nil:
		return f.checkEntry(v.b, depth)
	case f.message != nil:
		return f.message.checkAt(v.b, depth+1)
	case f.packed(v.typ):
		for off := 0; off < len(v.b); {
			if _, off = readPacked(v.b, off, f.typ); off < 0 {
				return malformed
			}
		}
	case f.kind == protoreflect.StringKind && !printable(v.b):
		return oddStrings
	}
	return exact
}

func (f *fieldPlan) checkEntry(entry []byte, depth int) match {
	known, ok := f.entryKnown(entry)
	if !ok {
		return malformed
	}
	if !known {
		return unknownFields
	}
	result := exact
	for v := (fields{msg: entry}); v.next(); {
		part := f.mapKey
		if v.num == 2 {
			part = f.mapValue
		}
		result = min(result, part.check(v.field, depth+1))
	}
	return result
}
