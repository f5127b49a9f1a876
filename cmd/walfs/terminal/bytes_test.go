package terminal

import (
	"math"
	"testing"
)

// TestBytes: a terminal gets what a person reads, all others the number.
func TestBytes(t *testing.T) {
	const kib, mib, gib = 1 << 10, 1 << 20, 1 << 30
	for _, c := range []struct {
		n              uint64
		exact, rounded string
	}{
		{0, "0 bytes", "0 bytes"},
		{1, "1 byte", "1 byte"},
		{1023, "1023 bytes", "1023 bytes"},
		{kib, "1024 bytes", "1.0 KiB"},
		{kib + 51, "1075 bytes", "1.0 KiB"},
		{kib + 52, "1076 bytes", "1.1 KiB"},
		{10*kib - 52, "10188 bytes", "9.9 KiB"},
		{10*kib - 51, "10189 bytes", "10 KiB"},
		{mib - 513, "1048063 bytes", "1023 KiB"},
		{mib - 512, "1048064 bytes", "1.0 MiB"},
		{256 * mib, "268435456 bytes", "256 MiB"},
		{gib, "1073741824 bytes", "1.0 GiB"},
		{30 * gib, "32212254720 bytes", "30 GiB"},
		{gib << 10, "1099511627776 bytes", "1.0 TiB"},
		{gib << 20, "1125899906842624 bytes", "1.0 PiB"},
		{math.MaxUint64, "18446744073709551615 bytes", "16 EiB"},
	} {
		for columns, want := range map[int]string{0: c.exact, 80: c.rounded} {
			if got := (&Out{Columns: columns}).Bytes(c.n); got != want {
				t.Errorf("%d in %d columns: %q, want %q", c.n, columns, got, want)
			}
		}
	}
}
