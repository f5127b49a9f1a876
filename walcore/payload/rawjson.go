package payload

import (
	"encoding/json"
	"unicode/utf8"
)

// json writes b, which is JSON, in w's own layout. Numbers and strings stay as they are, but
// for control characters, which are escaped. It reports false if b is no JSON, or beyond the
// limits.
func (w *walker) json(b []byte) bool {
	if !utf8.Valid(b) || !json.Valid(b) {
		return false
	}
	// In valid JSON, what a byte outside of strings means shows in the byte alone.
	inPlace := true // what follows is a value behind its name, or all of b
	for i := 0; i < len(b); {
		c := b[i]
		switch c {
		case ' ', '\t', '\r', '\n', ',':
			i++
			continue
		case ':':
			w.out = append(w.out, c)
			if w.indent {
				w.out = append(w.out, ' ')
			}
			inPlace = true
			i++
			continue
		case '}', ']':
			w.close(c)
			i++
			continue
		}
		if !inPlace {
			w.next()
		}
		inPlace = false
		if c == '{' || c == '[' {
			if w.depth >= maxDepth {
				return false
			}
			w.open(c)
			i++
		} else {
			end := jsonValueEnd(b, i)
			w.out = appendEscaped(w.out, b[i:end])
			i = end
		}
		if len(w.out) > w.limit {
			return false
		}
	}
	return true
}

// jsonValueEnd is where the string, number or word ends that begins at i.
func jsonValueEnd(b []byte, i int) int {
	if b[i] != '"' {
		for i < len(b) && b[i] > ' ' && b[i] != ',' && b[i] != '}' && b[i] != ']' {
			i++
		}
		return i
	}
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// appendEscaped appends a part of valid JSON, with the control characters escaped that JSON
// allows in strings.
func appendEscaped(dst, b []byte) []byte {
	const hex = "0123456789abcdef"
	from := 0
	for i := 0; i < len(b); i++ {
		c, size := b[i], 1
		switch {
		case c == 0x7f:
		case c == 0xc2 && b[i+1] < 0xa0: // U+0080 to U+009F
			c, size = b[i+1], 2
		default:
			continue
		}
		dst = append(append(dst, b[from:i]...), '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		i += size - 1
		from = i + 1
	}
	return append(dst, b[from:]...)
}
