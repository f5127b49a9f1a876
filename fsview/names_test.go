package fsview

import (
	"fmt"
	"testing"
)

func TestNames(t *testing.T) {
	for _, test := range []struct {
		name      string
		n         uint64
		short, ok bool
	}{
		{"0", 0, true, true},
		{"1", 1, true, true},
		{"42", 42, true, true},
		{"00000000000000000042", 42, false, true},
		{"00000000000000000000", 0, false, true},
		{"18446744073709551615", 1<<64 - 1, false, true},
		{"18446744073709551616", 0, false, false},
		{"99999999999999999999", 0, false, false},
		{"100000000000000000000", 0, true, false},
		{"", 0, false, false},
		{"042", 0, false, false},
		{"00", 0, false, false},
		{"0000000000000000042", 0, false, false},
		{"000000000000000000042", 0, false, false},
		{"-1", 0, false, false},
		{"+1", 0, false, false},
		{" 1", 0, false, false},
		{"1_0", 0, false, false},
		{"0x10", 0, false, false},
		{"1e3", 0, false, false},
		{"٤٢", 0, false, false},
		{"42.json", 0, false, false},
	} {
		n, short, ok := parseNumber(test.name)
		if ok != test.ok || ok && (n != test.n || short != test.short) {
			t.Errorf("%q: got %d, %t, %t", test.name, n, short, ok)
		}
	}
	for _, n := range []uint64{0, 1, 42, 1 << 48, 1<<64 - 1} {
		if got := numberName(n); got != fmt.Sprintf("%020d", n) {
			t.Errorf("%d: got %s", n, got)
		}
	}
}
