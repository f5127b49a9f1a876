package payload

import "bytes"

// finder looks for any of some words, in whatever case their letters are.
type finder struct {
	words  [][]byte // in small letters
	begins [256]bool
}

func newFinder(words ...string) *finder {
	f := new(finder)
	for _, w := range words {
		f.words = append(f.words, []byte(w))
		f.begins[w[0]], f.begins[bytes.ToUpper([]byte(w))[0]] = true, true
	}
	return f
}

// in reports whether one of the words is in b.
func (f *finder) in(b []byte) bool {
	for i, c := range b {
		if !f.begins[c] {
			continue
		}
		for _, w := range f.words {
			if len(b)-i >= len(w) && bytes.EqualFold(b[i:i+len(w)], w) {
				return true
			}
		}
	}
	return false
}
