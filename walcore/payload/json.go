package payload

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"
)

// writer appends JSON to out, in one line or indented by two spaces. Call key before
// a member of an object and next before an element of a list: they write the comma
// if the last byte shows that one is needed.
type writer struct {
	out    []byte
	indent bool
	depth  int
}

const spaces = "                                                                "

func (w *writer) open(c byte) {
	w.out = append(w.out, c)
	w.depth++
}

// close ends what open began; an empty object or list stays on its line.
func (w *writer) close(c byte) {
	w.depth--
	if last := w.out[len(w.out)-1]; last != '{' && last != '[' {
		w.newline()
	}
	w.out = append(w.out, c)
}

func (w *writer) next() {
	if last := w.out[len(w.out)-1]; last != '{' && last != '[' {
		w.out = append(w.out, ',')
	}
	w.newline()
}

// key begins a member; k is the quoted name with its colon.
func (w *writer) key(k string) {
	w.next()
	w.out = append(w.out, k...)
	if w.indent {
		w.out = append(w.out, ' ')
	}
}

func (w *writer) newline() {
	if !w.indent {
		return
	}
	w.out = append(w.out, '\n')
	n := 2 * w.depth
	for ; n > len(spaces); n -= len(spaces) {
		w.out = append(w.out, spaces...)
	}
	w.out = append(w.out, spaces[:n]...)
}

func (w *writer) uint(u uint64) { w.out = strconv.AppendUint(w.out, u, 10) }

func (w *writer) int(i int64) { w.out = strconv.AppendInt(w.out, i, 10) }

// quotedUint writes a 64-bit number as protojson does: as a string.
func (w *writer) quotedUint(u uint64) {
	w.out = append(w.out, '"')
	w.out = strconv.AppendUint(w.out, u, 10)
	w.out = append(w.out, '"')
}

func (w *writer) quotedInt(i int64) {
	w.out = append(w.out, '"')
	w.out = strconv.AppendInt(w.out, i, 10)
	w.out = append(w.out, '"')
}

func (w *writer) bool(b bool) { w.out = strconv.AppendBool(w.out, b) }

func (w *writer) string(s string) { w.out = AppendString(w.out, s) }

// text writes b as a string and reports whether it is UTF-8; where it is not,
// nothing is written.
func (w *writer) text(b []byte) bool {
	out, ok := appendText(w.out, b)
	w.out = out
	return ok
}

func (w *writer) base64(b []byte) {
	w.out = append(w.out, '"')
	w.out = base64.StdEncoding.AppendEncode(w.out, b)
	w.out = append(w.out, '"')
}

// float writes f as protojson and encoding/json do: the shortest decimal that
// reads back as f in the given number of bits; NaN and infinity as strings.
func (w *writer) float(f float64, bits int) {
	switch {
	case math.IsNaN(f):
		w.string("NaN")
		return
	case math.IsInf(f, 1):
		w.string("Infinity")
		return
	case math.IsInf(f, -1):
		w.string("-Infinity")
		return
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 {
		if bits == 64 && (abs < 1e-6 || abs >= 1e21) ||
			bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21) {
			format = 'e'
		}
	}
	w.out = strconv.AppendFloat(w.out, f, format, -1, bits)
	// strconv writes e-07 where protojson and encoding/json write e-7.
	if n := len(w.out); format == 'e' && w.out[n-4] == 'e' && w.out[n-3] == '-' && w.out[n-2] == '0' {
		w.out[n-2] = w.out[n-1]
		w.out = w.out[:n-1]
	}
}

// AppendString appends s as a JSON string. Bytes that are no UTF-8 become U+FFFD, so
// it is not for data of the log, of which nothing may be lost.
func AppendString(dst []byte, s string) []byte {
	out, ok := appendText(dst, []byte(s))
	if !ok {
		out, _ = appendText(dst, []byte(string([]rune(s))))
	}
	return out
}

// plain is true for the ASCII bytes that need no escape in a JSON string.
var plain = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendText appends b as a JSON string and reports whether it is UTF-8; where
// it is not, dst comes back as it was. Control characters are escaped, those
// beyond ASCII too: a log must not be able to drive the reader's terminal.
func appendText(dst, b []byte) ([]byte, bool) {
	const hex = "0123456789abcdef"
	out := append(dst, '"')
	from := 0
	for i := 0; i < len(b); {
		c := b[i]
		if plain[c] {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && size == 1 {
				return dst, false
			}
			if r >= 0xa0 {
				i += size
				continue
			}
			c = byte(r)
		}
		out = append(out, b[from:i]...)
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\r':
			out = append(out, '\\', 'r')
		case '\t':
			out = append(out, '\\', 't')
		default:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i += size
		from = i
	}
	out = append(out, b[from:]...)
	return append(out, '"'), true
}

// printable reports whether b is UTF-8 without control characters other than
// those of plain text.
func printable(b []byte) bool {
	for i := 0; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 || r < 0xa0 {
			return false
		}
		i += size
	}
	return true
}
