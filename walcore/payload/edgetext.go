package payload

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// AppendValue appends the edge's value as text: a string as it is, a time as RFC 3339, any
// other value in the JSON that decoded/ has of it. A secret is "[redacted]" unless opts
// show it. ok is false, and nothing is appended, where the value does not decode by its
// type: decoded/ has it under value_base64.
func (e *Edge) AppendValue(dst []byte, opts Options) (text []byte, ok bool) {
	typ := edgeTypes[e.ValueType]
	if (typ == passwordValue || isPassword(e.Attr)) && !opts.ShowSecrets {
		return append(dst, redacted[1:len(redacted)-1]...), true
	}
	if typ == textValue || typ == passwordValue {
		if !utf8.Valid(e.Value) {
			return dst, false
		}
		return append(dst, e.Value...), true
	}
	from := len(dst)
	w := newWalker(dst, opts, len(e.Value), false)
	ok = w.try(func() bool { return w.typedValue(typ, e.Value) })
	text = w.free()
	if value := text[from:]; len(value) > 1 && value[0] == '"' { // a time, or no number: nothing in it is escaped
		text = append(text[:from], value[1:len(value)-1]...)
	}
	return text, ok
}

// AppendFacets appends the edge's facets as decoded/ shows them, a list of JSON, or nothing
// where the edge has none. Beyond 64 MiB of JSON, a facet is null.
func (e *Edge) AppendFacets(dst []byte, opts Options) []byte {
	if !e.hasFacets {
		return dst
	}
	w := newWalker(dst, opts, len(e.m.b), false)
	w.limit = min(w.limit, len(dst)+MaxData)
	w.open('[')
	for f := e.m.fields(); f.next(); {
		if f.num != 9 {
			continue
		}
		w.next()
		facet := f.message()
		if !w.try(func() bool { return w.message(facet.plan, facet.b) }) {
			w.out = append(w.out, "null"...)
		}
	}
	w.close(']')
	return w.free()
}

// AppendPredicate appends PredicateName. Where that is no UTF-8, U+FFFD stands for what is
// not.
func (e *Edge) AppendPredicate(dst []byte) []byte {
	name := predicateName(e.Attr)
	if !utf8.Valid(name) {
		name = bytes.ToValidUTF8(name, []byte("\uFFFD"))
	}
	return append(dst, name...)
}

// TypeName is the name of the value's type, as in STRING, or its number if it has none.
func (e *Edge) TypeName() string {
	return builtin().valTypes.name(int32(e.ValueType))
}

// OpName is the name of what the edge does: SET, DEL or OVR, or its number if it has none.
func (e *Edge) OpName() string {
	return e.m.plan.byNumber(8).enum.name(int32(e.Op))
}

func (e *enumPlan) name(n int32) string {
	if quoted, ok := e.names[n]; ok {
		return quoted[1 : len(quoted)-1]
	}
	return strconv.Itoa(int(n))
}
