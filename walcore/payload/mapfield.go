package payload

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A map is stored as a list of entries {key = 1, value = 2}. They are written
// sorted by key, as protojson does. Of entries with the same key the last one
// counts. A key or value that an entry leaves out is the zero of its type.

// entryKnown reports in ok whether an entry is well-formed, and in known whether it
// holds nothing but at most one key and one value of the right wire types. An entry
// that is not known is shown with the unknown fields, so that nothing of it is lost.
// It also makes comparing two entries cheap, whatever bytes they hold.
func (f *fieldPlan) entryKnown(entry []byte) (known, ok bool) {
	known = true
	var seen [3]bool
	for off := 0; off < len(entry); {
		var v field
		if v, off = readField(entry, off); off < 0 {
			return false, false
		}
		switch {
		case v.num == 1 && v.typ == f.mapKey.typ, v.num == 2 && v.typ == f.mapValue.typ:
			known = known && !seen[v.num]
			seen[v.num] = true
		default:
			known = false
		}
	}
	return known, true
}

// entryKey returns the key of an entry that entryKnown has passed: a number in
// u, a text in b.
func (f *fieldPlan) entryKey(entry []byte) (u uint64, b []byte) {
	for e := (fields{msg: entry}); e.next(); {
		if e.num == 1 {
			u, b = e.u, e.b
		}
	}
	switch f.mapKey.kind {
	case protoreflect.BoolKind:
		u = min(u, 1)
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind:
		u = uint64(int64(int32(u)))
	case protoreflect.Uint32Kind:
		u = uint64(uint32(u))
	case protoreflect.Sint32Kind:
		u = uint64(protowire.DecodeZigZag(u & 0xffffffff))
	case protoreflect.Sint64Kind:
		u = uint64(protowire.DecodeZigZag(u))
	}
	return u, b
}

// signedKeys reports whether the keys of f are sorted as signed numbers.
func (f *fieldPlan) signedKeys() bool {
	switch f.mapKey.kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind,
		protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return true
	}
	return false
}

// entry returns the map entry stored at off.
func entry(b []byte, off uint32) []byte {
	v, _ := readField(b, int(off))
	return v.b
}

func (w *walker) mapField(f *fieldPlan, b []byte, i, j int) bool {
	compareKeys := func(x, y span) int {
		xu, xb := f.entryKey(entry(b, x.off))
		yu, yb := f.entryKey(entry(b, y.off))
		switch {
		case f.mapKey.kind == protoreflect.StringKind:
			return bytes.Compare(xb, yb)
		case f.signedKeys():
			return cmp.Compare(int64(xu), int64(yu))
		}
		return cmp.Compare(xu, yu)
	}
	spans := w.spans[i:j]
	// The offset keeps entries with equal keys in the order of the bytes, without
	// the cost of a stable sort.
	slices.SortFunc(spans, func(x, y span) int {
		return cmp.Or(compareKeys(x, y), cmp.Compare(x.off, y.off))
	})
	w.key(f.key)
	w.open('{')
	for k := i; k < j; k++ {
		s := w.spans[k]
		if k+1 < j && compareKeys(s, w.spans[k+1]) == 0 {
			continue
		}
		e := entry(b, s.off)
		w.mapKey(f, e)
		if !w.mapValue(f.mapValue, e) || len(w.out) > w.limit {
			return false
		}
	}
	w.close('}')
	return true
}

// mapKey writes the key of an entry as the name of a member. A text that is no
// UTF-8 is written as "base64:…".
func (w *walker) mapKey(f *fieldPlan, e []byte) {
	u, b := f.entryKey(e)
	w.next()
	switch {
	case f.mapKey.kind == protoreflect.StringKind:
		if !w.text(b) {
			w.string("base64:" + base64.StdEncoding.EncodeToString(b))
		}
	case f.mapKey.kind == protoreflect.BoolKind:
		w.string(strconv.FormatBool(u != 0))
	case f.signedKeys():
		w.quotedInt(int64(u))
	default:
		w.quotedUint(u)
	}
	w.out = append(w.out, ':')
	if w.indent {
		w.out = append(w.out, ' ')
	}
}

func (w *walker) mapValue(f *fieldPlan, e []byte) bool {
	var value field
	for v := (fields{msg: e}); v.next(); {
		if v.num == 2 {
			value = v.field
		}
	}
	return w.value(f, value.u, value.b)
}
