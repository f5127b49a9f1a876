package format

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/dgraph-io/badger/v4/pb"
	"google.golang.org/protobuf/proto"
)

// The layout of KEYREGISTRY, part of the on-disk format (Badger's):
//
//	0    IV (16) · sealed "Hello Badger" (12)             28
//	28   records: length (4) · crc32c (4) · pb.DataKey    end of file
const (
	RegistryHeader = 28
	RecordHeader   = 8
	SanityText     = "Hello Badger"
)

// scanRegistry walks the records without a key: Badger allocates whatever a
// record claims, so it must only ever see whole ones. It returns the length
// of the sound part, the ids of the data keys in it, and what is wrong behind it.
func ScanRegistry(raw []byte) (sound int, ids []uint64, problem string) {
	if len(raw) < RegistryHeader {
		return 0, nil, fmt.Sprintf("%d bytes, want at least %d: cut short; copy the file again", len(raw), RegistryHeader)
	}
	at := RegistryHeader
	for at < len(raw) {
		rest := raw[at:]
		if len(rest) < RecordHeader {
			return at, ids, fmt.Sprintf("%d bytes behind the last record: cut short", len(rest))
		}
		n := uint64(binary.BigEndian.Uint32(rest))
		if n > uint64(len(rest)-RecordHeader) {
			return at, ids, fmt.Sprintf("a record claims %d bytes, %d are left", n, len(rest)-RecordHeader)
		}
		body := rest[RecordHeader : RecordHeader+n]
		if got, want := crc32.Checksum(body, Castagnoli), binary.BigEndian.Uint32(rest[4:]); got != want {
			return at, ids, fmt.Sprintf("a record's checksum is %08x, want %08x", got, want)
		}
		id, problem := checkRecord(body)
		if problem != "" {
			return at, ids, problem
		}
		at += RecordHeader + int(n)
		ids = append(ids, id)
	}
	return at, ids, ""
}

// checkRecord gives a data key's id, or says why a record is none: Badger
// panics at one with another IV, such as the empty record that zeros behind the
// last one make.
func checkRecord(body []byte) (id uint64, problem string) {
	var dk pb.DataKey
	if err := proto.Unmarshal(body, &dk); err != nil {
		return 0, fmt.Sprintf("a record does not parse: %v", err)
	}
	if len(dk.Iv) != aes.BlockSize {
		return 0, fmt.Sprintf("a record of %d bytes has an IV of %d, want %d", len(body), len(dk.Iv), aes.BlockSize)
	}
	return dk.KeyId, ""
}

// Decrypt decrypts p in place: the bytes from position at of a payload with
// the given IV.
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
