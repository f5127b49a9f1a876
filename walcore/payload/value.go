package payload

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"time"
)

// valueType says how the bytes of an edge's or a facet's value are to be read.
type valueType uint8

const (
	opaqueValue   valueType = iota // bytes without a known form: base64
	textValue                      // UTF-8
	intValue                       // int64, 8 bytes little-endian
	floatValue                     // float64, 8 bytes little-endian
	boolValue                      // one byte, 0 or 1
	dateTimeValue                  // time.Time.MarshalBinary
	geoValue                       // WKB
	vectorValue                    // float32s, little-endian
	passwordValue                  // a secret, as text
)

// edgeTypes maps DirectedEdge.value_type.
var edgeTypes = map[uint64]valueType{
	0:  textValue, // DEFAULT
	1:  opaqueValue,
	2:  intValue,
	3:  floatValue,
	4:  boolValue,
	5:  dateTimeValue,
	6:  geoValue,
	7:  textValue, // UID: a uid is in value_id; what is here is as the client wrote it
	8:  passwordValue,
	9:  textValue, // STRING
	10: textValue, // OBJECT
	11: textValue, // BIGFLOAT: math/big's text
	12: vectorValue,
}

// facetTypes maps Facet.val_type, which numbers its types on its own.
var facetTypes = map[uint64]valueType{
	0: textValue,
	1: intValue,
	2: floatValue,
	3: boolValue,
	4: dateTimeValue,
}

// typedField writes the value of an edge or a facet decoded by its type, or as
// base64 under value_base64 where it does not decode; base to end are the spans
// of the message b that holds it.
func (w *walker) typedField(f *fieldPlan, b, value []byte, base, end int) {
	var number uint64
	var attr []byte
	for _, s := range w.spans[base:end] {
		switch {
		case s.order == f.typed.typeField.order:
			v, _ := readField(b, int(s.off))
			number = v.u
		case f.typed.attr != nil && s.order == f.typed.attr.order:
			v, _ := readField(b, int(s.off))
			attr = v.b
		}
	}
	typ := f.typed.types[number]
	mark, depth := len(w.out), w.depth
	w.key(f.key)
	if secret := typ == passwordValue || isPassword(attr); secret && !w.showSecrets {
		w.out = append(w.out, redacted...)
		return
	}
	if !w.typedValue(typ, value) {
		w.out, w.depth = w.out[:mark], depth
		w.key(f.rawKey)
		w.base64(value)
	}
}

// isPassword reports whether attr is the predicate with the passwords of Dgraph's own
// users. Its values are secrets whatever their type is.
func isPassword(attr []byte) bool { return bytes.HasSuffix(attr, []byte("dgraph.password")) }

// typedValue writes b as a value of type typ and reports whether it is one. If not, it
// may have written a part, which the caller drops.
func (w *walker) typedValue(typ valueType, b []byte) bool {
	switch typ {
	case textValue, passwordValue:
		return w.text(b)
	case intValue:
		if len(b) != 8 {
			return false
		}
		// A number, not a string as in protojson: it is the user's value, and jq
		// and grep find it so.
		w.int(int64(binary.LittleEndian.Uint64(b)))
		return true
	case floatValue:
		if len(b) != 8 {
			return false
		}
		w.float(math.Float64frombits(binary.LittleEndian.Uint64(b)), 64)
		return true
	case boolValue:
		if len(b) != 1 || b[0] > 1 {
			return false
		}
		w.bool(b[0] == 1)
		return true
	case dateTimeValue:
		return w.dateTime(b)
	case geoValue:
		return w.geo(b)
	case vectorValue:
		return w.vector(b)
	}
	return false
}

// dateTime writes a time as RFC 3339. That has only years 0 to 9999, and zones of
// whole minutes that are less than a day: for any other zone the time is in UTC.
func (w *walker) dateTime(b []byte) bool {
	var t time.Time
	if t.UnmarshalBinary(b) != nil {
		return false
	}
	const day = 24 * 60 * 60
	if _, zone := t.Zone(); zone%60 != 0 || zone <= -day || zone >= day {
		t = t.UTC()
	}
	if y := t.Year(); y < 0 || y > 9999 {
		return false
	}
	w.out = append(w.out, '"')
	w.out = t.AppendFormat(w.out, time.RFC3339Nano)
	w.out = append(w.out, '"')
	return true
}

func (w *walker) vector(b []byte) bool {
	if len(b)%4 != 0 {
		return false
	}
	w.open('[')
	for ; len(b) > 0; b = b[4:] {
		w.next()
		w.float(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32)
		if len(w.out) > w.limit {
			return false
		}
	}
	w.close(']')
	return true
}

// predicateName returns attr as Dgraph writes it today, "<namespace in
// hex>-<predicate>". Early v21.03 put the namespace before the predicate as 8
// binary bytes, of which the first is never printable; v20.11 had none.
func predicateName(attr []byte) []byte {
	if len(attr) <= 8 || attr[0] != 0 {
		return attr
	}
	ns := bytes.TrimLeft([]byte(hex.EncodeToString(attr[:8])), "0")
	if len(ns) == 0 {
		ns = []byte("0")
	}
	return append(append(ns, '-'), attr[8:]...)
}
