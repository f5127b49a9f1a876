package payload

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/walfs/walfs/walcore"
)

// Chunk says which part of a command an entry holds. Consul and Vault store a command of more
// than 512 KiB in several entries, with the numbers in their extensions. A part alone does not
// decode.
type Chunk struct {
	Operation uint64 // a random number that all parts of the command have
	Number    uint32 // from 1 on
	Of        uint32 // how many parts there are
	Err       error  // why the extensions cannot be read: all else is not known
}

// chunkOf looks into an entry's extensions. It gives nil if they are not those of a chunk:
// other applications may store what they like there.
func chunkOf(e *walcore.Entry) *Chunk {
	b, err := e.Extensions()
	if err != nil {
		return &Chunk{Err: err}
	}
	if len(b) == 0 {
		return nil
	}
	return readChunk(b)
}

// readChunk reads the protobuf {op_num=1, sequence_num=2, num_chunks=3, next_extensions=4}.
func readChunk(b []byte) *Chunk {
	var number uint64 // from 0 on
	var c Chunk
	f := fields{msg: b}
	for f.next() {
		switch {
		case f.num == 1 && f.typ == protowire.VarintType:
			c.Operation = f.u
		case f.num == 2 && f.typ == protowire.VarintType:
			number = f.u
		case f.num == 3 && f.typ == protowire.VarintType && f.u <= math.MaxUint32:
			c.Of = uint32(f.u)
		case f.num == 4 && f.typ == protowire.BytesType:
		default:
			return nil
		}
	}
	if f.off < 0 || number >= uint64(c.Of) {
		return nil
	}
	c.Number = uint32(number) + 1
	return &c
}

// chunk writes a chunk. What is a part of a secret cannot be known.
func (w *walker) chunk(e Entry) {
	c := e.Chunk
	if c.Err != nil {
		w.key(`"not_decoded":`)
		w.string("is it a part of a larger command? " + c.Err.Error())
		return
	}
	w.key(`"chunk":`)
	w.open('{')
	w.key(`"operation":`)
	w.quotedUint(c.Operation)
	w.key(`"number":`)
	w.uint(uint64(c.Number))
	w.key(`"of":`)
	w.uint(uint64(c.Of))
	w.close('}')
	if len(e.Data) > 0 {
		w.rawUnless(true, e.Data, e.path())
	}
}

func (s *Summary) chunk(e Entry) {
	c := e.Chunk
	if c.Err != nil {
		s.text("is it a part of a larger command? " + c.Err.Error())
		return
	}
	s.text(fmt.Sprintf("chunk %d of %d of operation %d, %d bytes", c.Number, c.Of, c.Operation, len(e.Data)))
}
