package format

import "bytes"

var zeroPage [4096]byte

// AllZero reports whether b holds nothing but zeros.
func AllZero(b []byte) bool {
	for len(b) > 0 {
		n := min(len(b), len(zeroPage))
		if !bytes.Equal(b[:n], zeroPage[:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}
