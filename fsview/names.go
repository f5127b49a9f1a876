package fsview

import (
	"strconv"
	"strings"
)

// nameDigits is the length of an index or term in a name. The largest uint64 has so
// many digits; names of one length sort as numbers do.
const nameDigits = 20

func numberName(n uint64) string {
	var b [nameDigits]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return string(b[:])
}

// parseNumber reads a name of 20 digits, or one in the short form, which has no zeros
// in front.
func parseNumber(name string) (n uint64, short, ok bool) {
	if len(name) != nameDigits && (name == "" || name[0] == '0' && name != "0") {
		return 0, false, false
	}
	for _, c := range []byte(name) {
		if c < '0' || c > '9' {
			return 0, false, false
		}
	}
	n, err := strconv.ParseUint(name, 10, 64)
	return n, len(name) != nameDigits, err == nil
}

// pairName is the name of what has two numbers: a snapshot's term and index, or a
// replaced entry's index and term.
func pairName(a, b uint64) string { return numberName(a) + "-" + numberName(b) }

func parsePair(name string) (a, b uint64, ok bool) {
	first, second, _ := strings.Cut(name, "-")
	a, _, ok1 := parseNumber(first)
	b, _, ok2 := parseNumber(second)
	return a, b, ok1 && ok2 && name == pairName(a, b)
}
