package format

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// TestDecryptAnyPart compares parts with the whole payload's stream, with
// counters that carry from the low half of the IV to the high one and around.
func TestDecryptAnyPart(t *testing.T) {
	block, err := aes.NewCipher([]byte("0123456789abcdef"))
	fixture.Must(t, err)
	encrypted := make([]byte, 200)
	for i := range encrypted {
		encrypted[i] = byte(i * 7)
	}
	for _, half := range [][2]uint64{{0, 0}, {1, PayloadAt}, {7, math.MaxUint64}, {7, math.MaxUint64 - 5}, {math.MaxUint64, math.MaxUint64 - 3}} {
		var iv [16]byte
		binary.BigEndian.PutUint64(iv[:], half[0])
		binary.BigEndian.PutUint64(iv[8:], half[1])
		want := make([]byte, len(encrypted))
		cipher.NewCTR(block, iv[:]).XORKeyStream(want, encrypted)
		for at := range encrypted {
			for n := range len(encrypted) - at + 1 {
				got := bytes.Clone(encrypted[at : at+n])
				Decrypt(block, iv, got, int64(at))
				if !bytes.Equal(got, want[at:at+n]) {
					t.Fatalf("IV %x: %d bytes at %d are wrong", iv, n, at)
				}
			}
		}
	}
}
