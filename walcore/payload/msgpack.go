package payload

import (
	"encoding/binary"
	"iter"
	"math"
	"time"
	"unicode/utf8"
)

// MessagePack is read here without a library. A library would build Go values, which
// take many times the memory of the data, and would make a list as long as the data
// claim. What is wanted is JSON, and a few fields: both come straight from the bytes.

// msgpack is one encoded value that wholeMsgpack has passed.
type msgpack []byte

type msgpackKind uint8

const (
	msgpackNil msgpackKind = iota
	msgpackBool
	msgpackUint
	msgpackInt
	msgpackFloat32
	msgpackFloat64
	msgpackBytes // a string or a byte string: old encoders use one form for both
	msgpackExt
	msgpackList
	msgpackMap
)

// msgpackHead is a value, or how a list or a map begins.
type msgpackHead struct {
	kind msgpackKind
	u    uint64 // a bool, a number or its bits; of a list or a map how many elements or pairs
	b    []byte // the content of bytes and of an ext
	ext  int8   // an ext's type
}

// readMsgpack reads the value at off, of a list or a map only the beginning, and returns
// what follows it. It returns -1 if there is no value, or if its length is beyond the data.
// How many elements a list claims is not checked: going through them ends with the data.
func readMsgpack(b []byte, off int) (h msgpackHead, next int) {
	if off >= len(b) {
		return h, -1
	}
	c := b[off]
	off++
	switch {
	case c < 0x80:
		return msgpackHead{kind: msgpackUint, u: uint64(c)}, off
	case c < 0x90:
		return msgpackHead{kind: msgpackMap, u: uint64(c & 0xf)}, off
	case c < 0xa0:
		return msgpackHead{kind: msgpackList, u: uint64(c & 0xf)}, off
	case c < 0xc0:
		return readContent(b, off, msgpackBytes, uint64(c&0x1f))
	case c >= 0xe0:
		return msgpackHead{kind: msgpackInt, u: uint64(int64(int8(c)))}, off
	case c == 0xc0:
		return h, off
	case c == 0xc1: // stands for nothing
		return h, -1
	case c <= 0xc3:
		return msgpackHead{kind: msgpackBool, u: uint64(c & 1)}, off
	case c >= 0xd4 && c <= 0xd8:
		return readContent(b, off, msgpackExt, 1<<(c-0xd4))
	}
	form := msgpackForms[c-0xc4]
	size := int(form.size)
	if len(b)-off < size {
		return h, -1
	}
	var u uint64
	for _, digit := range b[off : off+size] {
		u = u<<8 | uint64(digit)
	}
	off += size
	switch form.kind {
	case msgpackBytes, msgpackExt:
		return readContent(b, off, form.kind, u)
	case msgpackInt:
		unused := 64 - 8*size
		u = uint64(int64(u<<unused) >> unused)
	}
	return msgpackHead{kind: form.kind, u: u}, off
}

// msgpackForms are the values that begin with 0xc4 to 0xdf: what a number of size bytes
// follows, which is the value or its length. Those of size 0 are not looked up.
var msgpackForms = [...]struct {
	kind msgpackKind
	size uint8
}{
	{msgpackBytes, 1}, {msgpackBytes, 2}, {msgpackBytes, 4}, // bin
	{msgpackExt, 1}, {msgpackExt, 2}, {msgpackExt, 4},
	{msgpackFloat32, 4}, {msgpackFloat64, 8},
	{msgpackUint, 1}, {msgpackUint, 2}, {msgpackUint, 4}, {msgpackUint, 8},
	{msgpackInt, 1}, {msgpackInt, 2}, {msgpackInt, 4}, {msgpackInt, 8},
	{}, {}, {}, {}, {}, // ext of a fixed length
	{msgpackBytes, 1}, {msgpackBytes, 2}, {msgpackBytes, 4}, // str
	{msgpackList, 2}, {msgpackList, 4},
	{msgpackMap, 2}, {msgpackMap, 4},
}

// readContent reads n bytes, of an ext its type before them.
func readContent(b []byte, off int, kind msgpackKind, n uint64) (h msgpackHead, next int) {
	if kind == msgpackExt {
		if off >= len(b) {
			return h, -1
		}
		h.ext = int8(b[off])
		off++
	}
	if n > uint64(len(b)-off) {
		return h, -1
	}
	h.kind = kind
	h.b = b[off : off+int(n)]
	return h, off + int(n)
}

// wholeMsgpack gives b as one value, if it is that and nothing more.
func wholeMsgpack(b []byte) (m msgpack, ok bool) {
	return b, skipMsgpack(b, 0, 0, false) == len(b)
}

// skipMsgpack returns what follows the value at off, or -1 if there is none, or if it
// nests too deep. A key can be a list or a map, but not with such keys again, each of which
// would have to be written as a text in a text.
func skipMsgpack(b []byte, off, depth int, inKey bool) int {
	h, off := readMsgpack(b, off)
	if off < 0 || h.kind < msgpackList {
		return off
	}
	if depth == maxDepth {
		return -1
	}
	for range h.u {
		if h.kind == msgpackMap {
			if k, _ := readMsgpack(b, off); k.kind >= msgpackList && inKey {
				return -1
			}
			if off = skipMsgpack(b, off, depth+1, true); off < 0 {
				return -1
			}
		}
		if off = skipMsgpack(b, off, depth+1, inKey); off < 0 {
			return -1
		}
	}
	return off
}

// cutMsgpack splits b behind the value that it begins with.
func cutMsgpack(b []byte) (first, rest msgpack) {
	n := skipMsgpack(b, 0, 0, false)
	if n < 0 {
		return nil, nil
	}
	return b[:n:n], b[n:]
}

func (m msgpack) head() msgpackHead {
	h, _ := readMsgpack(m, 0)
	return h
}

// text is a value's bytes. ok is false for a value that has none, or that is no UTF-8.
func (m msgpack) text() (text []byte, ok bool) {
	h := m.head()
	return h.b, h.kind == msgpackBytes && utf8.Valid(h.b)
}

// elements goes through a list. Of another value there are none.
func (m msgpack) elements() iter.Seq[msgpack] {
	return func(yield func(msgpack) bool) {
		h, off := readMsgpack(m, 0)
		if off < 0 || h.kind != msgpackList {
			return
		}
		for rest := m[off:]; len(rest) > 0; {
			var element msgpack
			if element, rest = cutMsgpack(rest); element == nil || !yield(element) {
				return
			}
		}
	}
}

// members goes through a map. A key that is no string is nil.
func (m msgpack) members() iter.Seq2[[]byte, msgpack] {
	return func(yield func([]byte, msgpack) bool) {
		h, off := readMsgpack(m, 0)
		if off < 0 || h.kind != msgpackMap {
			return
		}
		for rest := m[off:]; len(rest) > 0; {
			var key, value msgpack
			key, rest = cutMsgpack(rest)
			if value, rest = cutMsgpack(rest); value == nil || !yield(key.head().b, value) {
				return
			}
		}
	}
}

// get returns a member of a map, the last one of that name, or nil.
func (m msgpack) get(name string) (value msgpack) {
	for k, v := range m.members() {
		if string(k) == name {
			value = v
		}
	}
	return value
}

// time is the time in an ext, if it is one.
func (h msgpackHead) time() (t time.Time, ok bool) {
	const timestamp = -1
	if h.kind != msgpackExt || h.ext != timestamp {
		return t, false
	}
	var seconds int64
	var nanos uint64
	switch len(h.b) {
	case 4:
		seconds = int64(binary.BigEndian.Uint32(h.b))
	case 8:
		u := binary.BigEndian.Uint64(h.b)
		seconds, nanos = int64(u&(1<<34-1)), u>>34
	case 12:
		nanos = uint64(binary.BigEndian.Uint32(h.b))
		seconds = int64(binary.BigEndian.Uint64(h.b[4:]))
	default:
		return t, false
	}
	// RFC 3339 has years 0 to 9999.
	const first, last = -62167219200, 253402300799
	if nanos >= 1e9 || seconds < first || seconds > last {
		return t, false
	}
	return time.Unix(seconds, int64(nanos)).UTC(), true
}

// msgpack writes the value at off, which wholeMsgpack has passed, and returns what follows
// it, or -1 beyond the limit. field is the name of the member that it is in.
func (w *walker) msgpack(b, field []byte, off int) int {
	h, off := readMsgpack(b, off)
	switch h.kind {
	case msgpackNil:
		w.out = append(w.out, "null"...)
	case msgpackBool:
		w.bool(h.u != 0)
	case msgpackUint:
		w.uint(h.u)
	case msgpackInt:
		w.int(int64(h.u))
	case msgpackFloat32:
		w.float(float64(math.Float32frombits(uint32(h.u))), 32)
	case msgpackFloat64:
		w.float(math.Float64frombits(h.u), 64)
	case msgpackBytes:
		switch {
		case w.text(h.b):
		case w.hidesIn(h.b):
			w.out = append(w.out, redacted...)
		default:
			w.rawObject(h.b)
		}
	case msgpackExt:
		w.msgpackExt(h)
	case msgpackList:
		w.open('[')
		for range h.u {
			w.next()
			if off = w.msgpack(b, field, off); off < 0 || len(w.out) > w.limit {
				return -1
			}
		}
		w.close(']')
	case msgpackMap:
		w.open('{')
		for range h.u {
			if off = w.msgpackMember(b, field, off); off < 0 || len(w.out) > w.limit {
				return -1
			}
		}
		w.close('}')
	}
	return off
}

// msgpackMember writes a member of the map that is in field. A byte string that is no UTF-8
// is written as base64 under name_base64.
func (w *walker) msgpackMember(b, field []byte, off int) int {
	w.next()
	key, _ := readMsgpack(b, off)
	if off = w.msgpackKey(b, off); off < 0 {
		return -1
	}
	value, next := readMsgpack(b, off)
	secret := !w.showSecrets && isSecret(field, key.b) && !value.isEmpty()
	raw := value.kind == msgpackBytes && !utf8.Valid(value.b)
	if secret = secret || raw && w.hidesIn(value.b); secret {
		raw = false
	}
	if raw {
		w.out = append(w.out[:len(w.out)-1], `_base64"`...)
	}
	w.out = append(w.out, ':')
	if w.indent {
		w.out = append(w.out, ' ')
	}
	switch {
	case secret:
		w.out = append(w.out, redacted...)
		return skipMsgpack(b, off, 0, false)
	case raw:
		w.base64(value.b)
		return next
	}
	return w.msgpack(b, key.b, off)
}

// isEmpty reports whether there is nothing in a value that could be a secret.
func (h msgpackHead) isEmpty() bool {
	return h.kind == msgpackNil || h.kind == msgpackBytes && len(h.b) == 0
}

// msgpackKey writes a key. One that is no text is written as its JSON, in a text.
func (w *walker) msgpackKey(b []byte, off int) int {
	h, next := readMsgpack(b, off)
	if h.kind == msgpackBytes && w.text(h.b) {
		return next
	}
	mark, indent := len(w.out), w.indent
	w.indent = false
	next = w.msgpack(b, nil, off)
	w.indent = indent
	if next < 0 {
		return -1
	}
	if w.out[mark] != '"' { // a time is a text already
		text := string(w.out[mark:])
		w.out = AppendString(w.out[:mark], text)
	}
	return next
}

func (w *walker) msgpackExt(h msgpackHead) {
	if t, ok := h.time(); ok {
		w.out = append(w.out, '"')
		w.out = t.AppendFormat(w.out, time.RFC3339Nano)
		w.out = append(w.out, '"')
		return
	}
	w.open('{')
	w.key(`"ext":`)
	w.int(int64(h.ext))
	w.key(`"base64":`)
	w.base64(h.b)
	w.close('}')
}
