package terminal

import (
	"fmt"
	"math"
)

// Bytes is a number of bytes for whom the output is: as a person reads it on a terminal,
// and exactly in all other places, and with --wide.
func (o *Out) Bytes(n uint64) string {
	if o.Columns == 0 {
		return Exactly(n)
	}
	return Rounded(n)
}

// Exactly is a number of bytes, such as "268435456 bytes".
func Exactly(n uint64) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// Rounded is a number of bytes in powers of 1024, such as "256 MiB" and "1.1 KiB". Less
// than 1 KiB is exact.
func Rounded(n uint64) string {
	const unit = 1024
	if n < unit {
		return Exactly(n)
	}
	size, prefixes := float64(n)/unit, "KMGTPE"
	for math.Round(size) >= unit { // 1023.9 KiB would be rounded to 1024
		size, prefixes = size/unit, prefixes[1:]
	}
	if math.Round(size*10) < 100 {
		return fmt.Sprintf("%.1f %ciB", size, prefixes[0])
	}
	return fmt.Sprintf("%.0f %ciB", size, prefixes[0])
}
