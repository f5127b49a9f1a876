package format

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"regexp"
	"strconv"

	"github.com/walfs/walfs/walcore"
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

// The sizes a writer keeps to. A reader takes files of any size.
const (
	NewFileSize = 256 << 20
	MaxFileSize = 1 << 30 // no entry but a file's first ends beyond it
	MaxGrowth   = 1 << 30 // a file grows by its own size, but by this at most
)

// Names of the directory's files.
const (
	MetaName        = "wal.meta"
	KeyRegistryName = "KEYREGISTRY"
)

// Slot is one row of a log file's slot table.
//
//	0        8        16             24            28       32
//	| term   | index  | data offset  | checksum    | type   |
//
// Dgraph writes 0 for the checksum and does not read it.
type Slot struct {
	Term   uint64
	Index  uint64           // 0: this slot and those after it are empty
	Offset uint64           // from the start of the file, to the payload's length
	Type   raftpb.EntryType // 0 normal, 1 conf change, 2 conf change v2
	Sum    uint32           // see Checksum; 0: none
}

// DecodeSlot reads a slot from the first SlotSize bytes of b.
func DecodeSlot(b []byte) Slot {
	return Slot{
		Term:   binary.BigEndian.Uint64(b),
		Index:  binary.BigEndian.Uint64(b[8:]),
		Offset: binary.BigEndian.Uint64(b[16:]),
		Type:   raftpb.EntryType(binary.BigEndian.Uint32(b[28:])),
		Sum:    binary.BigEndian.Uint32(b[24:]),
	}
}

// EncodeSlot writes a slot to the first SlotSize bytes of b.
func EncodeSlot(b []byte, s Slot) {
	binary.BigEndian.PutUint64(b, s.Term)
	binary.BigEndian.PutUint64(b[8:], s.Index)
	binary.BigEndian.PutUint64(b[16:], s.Offset)
	binary.BigEndian.PutUint32(b[24:], s.Sum)
	binary.BigEndian.PutUint32(b[28:], uint32(s.Type))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum is the CRC-32C of a slot without its own, followed by what stands
// at its offset: the length and the payload, encrypted if the file is. A CRC of 0
// is stored as all ones, for 0 means that there is none.
func Checksum(s Slot, stored []byte) uint32 {
	return BeginChecksum(s).Add(stored).Sum()
}

// ChecksumAt is Checksum of the slot that stands in raw without its own. It
// allocates nothing, as Checksum does for the slot's bytes.
func ChecksumAt(raw, stored []byte) uint32 {
	return RunningChecksum(crc32.Checksum(raw[:SlotSize], castagnoli)).Add(stored).Sum()
}

// RunningChecksum is a Checksum of which not all bytes have been seen yet.
type RunningChecksum uint32

// BeginChecksum has seen the slot.
func BeginChecksum(s Slot) RunningChecksum {
	var b [SlotSize]byte
	s.Sum = 0
	EncodeSlot(b[:], s)
	return RunningChecksum(crc32.Checksum(b[:], castagnoli))
}

// Add is c after the next bytes of what is stored.
func (c RunningChecksum) Add(stored []byte) RunningChecksum {
	return RunningChecksum(crc32.Update(uint32(c), castagnoli, stored))
}

// Sum is the checksum of all bytes that were seen.
func (c RunningChecksum) Sum() uint32 {
	if c == 0 {
		return math.MaxUint32
	}
	return uint32(c)
}

// KeyHeader says how a log file's payloads are encrypted. KeyID 0 means plain.
type KeyHeader struct {
	KeyID  uint64
	BaseIV [8]byte
}

// DecodeKeyHeader reads the header from the first KeyHeaderSize bytes of b.
func DecodeKeyHeader(b []byte) KeyHeader {
	return KeyHeader{KeyID: binary.BigEndian.Uint64(b), BaseIV: [8]byte(b[8:16])}
}

// EncodeKeyHeader gives the header's bytes.
func EncodeKeyHeader(h KeyHeader) (b [KeyHeaderSize]byte) {
	binary.BigEndian.PutUint64(b[:], h.KeyID)
	copy(b[8:], h.BaseIV[:])
	return b
}

// IV is the AES-CTR initialisation vector of the payload at offset.
func (h KeyHeader) IV(offset uint64) (iv [16]byte) {
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
	return id, err == nil && id > 0 && id <= walcore.MaxNumber && FileName(id) == name
}
