//go:build unix

package raftdir

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"hash/crc32"
	"os"
	"time"
)

// registry writes KEYREGISTRY:
//
//	IV (16) · encrypted "Hello Badger" (12) · records: length (4) · crc32c (4) · pb.DataKey
type registry struct {
	name string
	user cipher.Block
	size int // of a data key, which is as long as the user's key
	id   uint64
	key  []byte // the latest data key
}

func newRegistry(name string, user []byte) *registry {
	r := &registry{name: name, size: len(user)}
	r.user = block(user)
	iv := random(aes.BlockSize)
	must(os.WriteFile(name, append(iv, ctr(r.user, iv, []byte("Hello Badger"))...), 0o600))
	r.add()
	return r
}

// add makes a new data key and appends it to the file.
func (r *registry) add() {
	r.id++
	r.key = random(r.size)
	iv := random(aes.BlockSize)
	encrypted := ctr(r.user, iv, r.key)
	b := binary.AppendUvarint([]byte{1 << 3}, r.id)
	b = append(binary.AppendUvarint(append(b, 2<<3|2), uint64(len(encrypted))), encrypted...)
	b = append(append(b, 3<<3|2, aes.BlockSize), iv...)
	b = binary.AppendUvarint(append(b, 4<<3), uint64(time.Now().Unix()))
	record := binary.BigEndian.AppendUint32(nil, uint32(len(b)))
	record = binary.BigEndian.AppendUint32(record, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	f, err := os.OpenFile(r.name, os.O_WRONLY|os.O_APPEND, 0)
	must(err)
	_, err = f.Write(append(record, b...))
	must(err)
	must(f.Close())
}

// encryption is what one file's payloads are encrypted with.
type encryption struct {
	header [16]byte // key id (8) · base IV (8)
	block  cipher.Block
}

// encryption makes the encryption of a new file, with the latest data key.
func (r *registry) encryption() *encryption {
	s := &encryption{block: block(r.key)}
	binary.BigEndian.PutUint64(s.header[:], r.id)
	copy(s.header[8:], random(8))
	return s
}

// write encrypts data, whose length word is at off in the file, into dst.
func (s *encryption) write(dst, data []byte, off uint64) {
	var iv [aes.BlockSize]byte
	copy(iv[:], s.header[8:])
	binary.BigEndian.PutUint64(iv[8:], off)
	cipher.NewCTR(s.block, iv[:]).XORKeyStream(dst, data)
}

func ctr(b cipher.Block, iv, data []byte) []byte {
	out := make([]byte, len(data))
	cipher.NewCTR(b, iv).XORKeyStream(out, data)
	return out
}

func block(key []byte) cipher.Block {
	b, err := aes.NewCipher(key)
	must(err)
	return b
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
