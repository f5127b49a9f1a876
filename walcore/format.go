package walcore

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"

	"go.etcd.io/raft/v3/raftpb"
)

// The layout of a log file. These numbers are part of the on-disk format.
//
//	0          slots, 30,000 of 32 bytes               960,000
//	960,000    unused, zero                            1,048,560
//	1,048,560  key id (8) · base IV (8)                1,048,576
//	1,048,576  payloads, each length (4) · bytes       end of file
const (
	SlotSize      = 32
	SlotsPerFile  = 30000
	SlotTableSize = SlotSize * SlotsPerFile
	KeyHeaderAt   = 1<<20 - 16
	KeyHeaderSize = 16
	PayloadAt     = 1 << 20
	LengthSize    = 4
)

// MaxNumber bounds the indexes and terms that are taken for real. Raft counts
// up from 1, so a number beyond 2^48 in a slot is damage, and ruling it out
// lets an index and a kind share one 64-bit inode number.
const MaxNumber = 1<<48 - 1

// Names of the directory's files.
const (
	MetaName        = "wal.meta"
	KeyRegistryName = "KEYREGISTRY"
)

// Slot is one row of a log file's slot table.
//
//	0        8        16             24            28       32
//	| term   | index  | data offset  | (unused)    | type   |
//
// The upper half of the type word is not read by Dgraph; neither is it here.
type Slot struct {
	Term   uint64
	Index  uint64           // 0: this slot and those after it are empty
	Offset uint64           // from the start of the file, to the payload's length
	Type   raftpb.EntryType // 0 normal, 1 conf change, 2 conf change v2
}

// DecodeSlot reads a slot from the first SlotSize bytes of b.
func DecodeSlot(b []byte) Slot {
	return Slot{
		Term:   binary.BigEndian.Uint64(b),
		Index:  binary.BigEndian.Uint64(b[8:]),
		Offset: binary.BigEndian.Uint64(b[16:]),
		Type:   raftpb.EntryType(binary.BigEndian.Uint32(b[28:])),
	}
}

// KeyHeader says how a log file's payloads are sealed. KeyID 0 means plain.
type KeyHeader struct {
	KeyID  uint64
	BaseIV [8]byte
}

// DecodeKeyHeader reads the header from the first KeyHeaderSize bytes of b.
func DecodeKeyHeader(b []byte) KeyHeader {
	return KeyHeader{KeyID: binary.BigEndian.Uint64(b), BaseIV: [8]byte(b[8:16])}
}

// iv is the AES-CTR initialisation vector of the payload at offset.
func (h KeyHeader) iv(offset uint64) (iv [16]byte) {
	copy(iv[:], h.BaseIV[:])
	binary.BigEndian.PutUint64(iv[8:], offset)
	return iv
}

var fileName = regexp.MustCompile(`^[0-9]{5,15}\.wal$`)

// FileName is the name of the log file with the given id.
func FileName(id uint64) string { return fmt.Sprintf("%05d.wal", id) }

// ParseFileName gives the id in a log file's name. It takes the one spelling
// that FileName writes: Dgraph opens files by an id, so another spelling of
// the same id would never be read.
func ParseFileName(name string) (id uint64, ok bool) {
	if !fileName.MatchString(name) {
		return 0, false
	}
	id, err := strconv.ParseUint(name[:len(name)-len(".wal")], 10, 64)
	return id, err == nil && id > 0 && id <= MaxNumber && FileName(id) == name
}
