package payload

import (
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Limits, so that no bytes can cost too much time or memory. Data beyond them are
// shown undecoded. Dgraph's own messages nest six deep, and their indented JSON is
// some ten times as large as they are.
const (
	maxDepth     = 100
	outputBase   = 1 << 20
	outputFactor = 32
)

// walker writes messages as JSON, following protojson. Each message is read twice:
// scan finds where its fields are, then they are written in order of declaration. As
// the encoding demands, the last value of a singular field counts, and a submessage
// that comes in parts is merged.
//
// A method that reports false has found bytes that are no such message, or has
// reached a limit. What it has written must be dropped.
type walker struct {
	writer
	showSecrets bool
	limit       int        // of len(out), and of copied
	tooLong     bool       // what was dropped last was beyond the limit
	copied      int        // how many bytes merged has copied
	plain       bool       // inside a message that protojson could not write
	hidden      *fieldPlan // this field is not written
	spans       []span     // a stack: those of the message being written are on top
}

// span is a field found by scan. It takes 8 bytes, and a field at least two, so that
// the memory is at most four times the data.
type span struct {
	off   uint32
	order int32 // fieldPlan.order, or unknownOrder
}

const unknownOrder = math.MaxInt32

// message writes the message b as an object.
func (w *walker) message(p *messagePlan, b []byte) bool {
	if w.depth >= maxDepth {
		return false
	}
	if p.special != nil && !w.plain {
		return w.specialMessage(p, b)
	}
	base := len(w.spans)
	if !w.scan(p, b) {
		return false
	}
	w.open('{')
	end := len(w.spans)
	for i := base; i < end; {
		order := w.spans[i].order
		j := i + 1
		for j < end && w.spans[j].order == order {
			j++
		}
		ok := false
		if order == unknownOrder {
			ok = w.unknown(p, b, i, j)
		} else {
			ok = w.field(p.fields[order], b, i, j, base, end)
		}
		if !ok || len(w.out) > w.limit {
			return false
		}
		i = j
	}
	w.spans = w.spans[:base]
	w.close('}')
	return true
}

// scan pushes a span for each field of b, sorted by order of declaration.
func (w *walker) scan(p *messagePlan, b []byte) bool {
	if uint64(len(b)) > math.MaxUint32 {
		return false
	}
	base := len(w.spans)
	sorted, last := true, int32(-1)
	for off := 0; off < len(b); {
		f, next := readField(b, off)
		if next < 0 {
			return false
		}
		order := int32(unknownOrder)
		if fp := p.find(f.num, f.typ); fp != nil {
			order = fp.order
			if fp.mapKey != nil {
				known, ok := fp.entryKnown(f.b)
				if !ok {
					return false
				}
				if !known {
					order = unknownOrder
				}
			}
		}
		w.spans = append(w.spans, span{uint32(off), order})
		sorted = sorted && order >= last
		last = order
		off = next
	}
	if p.oneofs {
		w.keepLastOfOneofs(p, base)
	}
	if !sorted {
		slices.SortFunc(w.spans[base:], func(x, y span) int {
			if x.order != y.order {
				return int(x.order) - int(y.order)
			}
			return int(int64(x.off) - int64(y.off))
		})
	}
	return true
}

// keepLastOfOneofs drops spans, from base on, that a later member of the same oneof
// has replaced. The spans must still be in the order of the bytes.
func (w *walker) keepLastOfOneofs(p *messagePlan, base int) {
	winner := make(map[int32]int32) // oneof to the member that came last
	spans := w.spans[base:]
	kept := len(spans)
	for i := len(spans) - 1; i >= 0; i-- {
		s := spans[i]
		if s.order != unknownOrder {
			if oneof := p.fields[s.order].oneof; oneof != 0 {
				if won, seen := winner[oneof]; !seen {
					winner[oneof] = s.order
				} else if won != s.order {
					winner[oneof] = -1 // nothing before it counts
					continue
				}
			}
		}
		kept--
		spans[kept] = s
	}
	w.spans = append(w.spans[:base], spans[kept:]...)
}

// field writes field f, whose spans are i to j. Spans base to end are those of the
// whole message.
func (w *walker) field(f *fieldPlan, b []byte, i, j, base, end int) bool {
	if f == w.hidden {
		return true
	}
	if f.redact && !w.showSecrets {
		w.key(f.key)
		w.out = append(w.out, redacted...)
		return true
	}
	switch {
	case f.mapKey != nil:
		return w.mapField(f, b, i, j)
	case f.list:
		return w.listField(f, b, i, j)
	case f.message != nil:
		w.key(f.key)
		content, ok := w.merged(b, i, j)
		return ok && w.message(f.message, content)
	}
	v, _ := readField(b, int(w.spans[j-1].off))
	if f.typed != nil {
		if len(v.b) > 0 {
			w.typedField(f, b, v.b, base, end)
		}
		return true
	}
	if !f.presence && v.u == 0 && len(v.b) == 0 {
		return true
	}
	if f.object != 0 {
		return w.object(f, b, v.b)
	}
	return w.member(f, v.u, v.b)
}

const redacted = `"[redacted]"`

// merged returns the content of a submessage. If it came in parts, their contents are
// put one after the other, which is how the encoding merges them. That copies, and
// can happen at each level, so it has a limit as the output has.
func (w *walker) merged(b []byte, i, j int) (content []byte, ok bool) {
	if j-i == 1 {
		v, _ := readField(b, int(w.spans[i].off))
		return v.b, true
	}
	for ; i < j; i++ {
		v, _ := readField(b, int(w.spans[i].off))
		if w.copied += len(v.b); w.copied > w.limit {
			return nil, false
		}
		content = append(content, v.b...)
	}
	return content, true
}

// member writes a singular field with its name. A string that is no UTF-8, and bytes to be
// shown as text that are no plain text, are written as base64 under name_base64.
func (w *walker) member(f *fieldPlan, u uint64, b []byte) bool {
	if f.kind == protoreflect.StringKind || f.text {
		mark := len(w.out)
		w.key(f.key)
		if f.text && !printable(b) || !w.text(b) {
			w.out = w.out[:mark]
			w.key(f.rawKey)
			w.base64(b)
		}
		return true
	}
	w.key(f.key)
	return w.value(f, u, b)
}

func (w *walker) listField(f *fieldPlan, b []byte, i, j int) bool {
	begun := false
	begin := func() {
		if !begun {
			begun = true
			w.key(f.key)
			w.open('[')
		}
	}
	start, first := len(w.out), int(w.spans[i].off)
	for ; i < j; i++ {
		at := int(w.spans[i].off)
		w.reserve(start, at-first, len(b)-at)
		v, _ := readField(b, at)
		if !f.packed(v.typ) {
			begin()
			w.next()
			if !w.value(f, v.u, v.b) {
				return false
			}
		} else {
			for off := 0; off < len(v.b); {
				var u uint64
				if u, off = readPacked(v.b, off, f.typ); off < 0 {
					return false
				}
				begin()
				w.next()
				if !w.value(f, u, nil) || len(w.out) > w.limit {
					return false
				}
			}
		}
		if len(w.out) > w.limit {
			return false
		}
	}
	if begun {
		w.close(']')
	}
	return true
}

// reserve makes room for the rest of a long list at once, if there is little left: what is
// written since start is of so many bytes of the message, and so many may follow. To grow
// step by step would copy all of it a few times, and take more than twice the memory.
func (w *walker) reserve(start, done, rest int) {
	const long, little = 1 << 20, 64 << 10
	written := len(w.out) - start
	if written < long || cap(w.out)-len(w.out) > little || done == 0 {
		return
	}
	more := int(float64(written) / float64(done) * float64(rest))
	more = max(more+more/16, written/8) // if what follows is longer, it does not come here often
	w.out = append(make([]byte, 0, min(len(w.out)+more, w.limit)+2*little), w.out...)
}

// value writes one value of f without a name.
func (w *walker) value(f *fieldPlan, u uint64, b []byte) bool {
	switch f.kind {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return w.message(f.message, b)
	case protoreflect.StringKind:
		if !w.text(b) {
			w.rawObject(b)
		}
	case protoreflect.BytesKind:
		w.base64(b)
	case protoreflect.EnumKind:
		w.enum(f.enum, int32(u))
	case protoreflect.BoolKind:
		w.bool(u != 0)
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind:
		w.int(int64(int32(u)))
	case protoreflect.Sint32Kind:
		w.int(protowire.DecodeZigZag(u & math.MaxUint32))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		w.uint(uint64(uint32(u)))
	case protoreflect.Int64Kind, protoreflect.Sfixed64Kind:
		w.quotedInt(int64(u))
	case protoreflect.Sint64Kind:
		w.quotedInt(protowire.DecodeZigZag(u))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		w.quotedUint(u)
	case protoreflect.FloatKind:
		w.float(float64(math.Float32frombits(uint32(u))), 32)
	case protoreflect.DoubleKind:
		w.float(math.Float64frombits(u), 64)
	}
	return true
}

// rawObject writes a string that is no UTF-8, in a list or a map.
func (w *walker) rawObject(b []byte) {
	w.open('{')
	w.key(`"base64":`)
	w.base64(b)
	w.close('}')
}

func (w *walker) enum(e *enumPlan, n int32) {
	switch name, ok := e.names[n]; {
	case e.null:
		w.out = append(w.out, "null"...)
	case ok:
		w.out = append(w.out, name...)
	default:
		w.int(int64(n))
	}
}

// unknown writes the fields of spans i to j as a list of their numbers, wire types and
// values. They are not in the schema, or are map entries that entryKnown refuses.
func (w *walker) unknown(p *messagePlan, b []byte, i, j int) bool {
	w.key(`"unknown_fields":`)
	w.open('[')
	secret := p.objects && !w.showSecrets && p.hasSecretText(b)
	for ; i < j; i++ {
		v, _ := readField(b, int(w.spans[i].off))
		w.next()
		w.open('{')
		w.key(`"number":`)
		w.uint(uint64(v.num))
		w.key(`"wire_type":`)
		w.string(wireTypeNames[v.typ])
		switch mark := len(w.out); v.typ {
		case protowire.BytesType, protowire.StartGroupType:
			w.key(`"value":`)
			if secret || !w.showSecrets && p.hidesUnknown(v) {
				w.out = append(w.out, redacted...)
			} else if v.typ == protowire.StartGroupType || !printable(v.b) || !w.text(v.b) {
				w.out = w.out[:mark]
				w.key(`"value_base64":`)
				w.base64(v.b)
			}
		default:
			w.key(`"value":`)
			w.quotedUint(v.u)
		}
		w.close('}')
		if len(w.out) > w.limit {
			return false
		}
	}
	w.close(']')
	return true
}

var wireTypeNames = [...]string{
	protowire.VarintType:     "varint",
	protowire.Fixed64Type:    "fixed64",
	protowire.BytesType:      "bytes",
	protowire.StartGroupType: "group",
	protowire.Fixed32Type:    "fixed32",
}
