package format

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// Decrypt decrypts p in place: the bytes from position at of a payload with
// the given IV. Encrypting is the same.
func Decrypt(b cipher.Block, iv [16]byte, p []byte, at int64) {
	// The counter is the IV as one big-endian number, one per 16 bytes.
	lo := binary.BigEndian.Uint64(iv[8:])
	sum := lo + uint64(at/aes.BlockSize)
	if sum < lo {
		binary.BigEndian.PutUint64(iv[:8], binary.BigEndian.Uint64(iv[:8])+1)
	}
	binary.BigEndian.PutUint64(iv[8:], sum)
	stream := cipher.NewCTR(b, iv[:])
	if skip := at % aes.BlockSize; skip > 0 {
		var drop [aes.BlockSize]byte
		stream.XORKeyStream(drop[:skip], drop[:skip])
	}
	stream.XORKeyStream(p, p)
}
