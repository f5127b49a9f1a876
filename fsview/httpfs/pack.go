package httpfs

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/flate"
)

// packer makes a gzip stream of pieces. Each is compressed by itself, so that between two of
// them it keeps next to nothing: a compressor's window and tables would take 800 kB for each
// client that does not read.
type packer struct {
	begun     bool
	sum, size uint32
	packed    bytes.Buffer
}

var compressors = sync.Pool{New: func() any {
	z, _ := flate.NewWriter(nil, flate.BestSpeed)
	return z
}}

// pack compresses a piece. What it returns is good until the next call.
func (k *packer) pack(piece []byte) []byte {
	k.packed.Reset()
	if !k.begun {
		k.begun = true
		k.packed.WriteString("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff") // RFC 1952: no name, no time, any system
	}
	z := compressors.Get().(*flate.Writer)
	z.Reset(&k.packed)
	z.Write(piece)
	z.Flush()
	compressors.Put(z)
	k.sum = crc32.Update(k.sum, crc32.IEEETable, piece)
	k.size += uint32(len(piece))
	return k.packed.Bytes()
}

// end is what follows the last piece: an empty block that says that it is the last one, the
// checksum, and the size. There has been a piece.
func (k *packer) end() []byte {
	b := []byte{3, 0}
	b = binary.LittleEndian.AppendUint32(b, k.sum)
	return binary.LittleEndian.AppendUint32(b, k.size)
}
