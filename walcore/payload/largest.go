package payload

import (
	"fmt"

	"github.com/walfs/walfs/walcore"
)

// MaxData is the size of the largest data that are decoded, in bytes. Decoding holds
// an entry in memory, and a damaged length can claim as much as its log file has.
const MaxData = 64 << 20

// maxRaw is the size of the largest data that are shown as text or base64, which can
// take six times as many bytes.
const maxRaw = 8 << 20

// Data reads an entry's data for a decoder. Those of more than MaxData bytes are not
// read: they are nil, and EntryOf tells the decoder why.
func Data(s *walcore.Scanner, e *walcore.Entry) ([]byte, error) {
	if e.Size > MaxData {
		return nil, nil
	}
	return s.Data(e)
}

// EntryOf is an entry and its data in the form that decoders take.
func EntryOf(e *walcore.Entry, data []byte) Entry {
	p := Entry{Term: e.Term, Index: e.Index, Type: uint32(e.Type), Data: data}
	if len(data) == 0 && e.Size > MaxData {
		p.TooLarge = e.Size
	}
	return p
}

// size is that of the data, whether they are there or not.
func (e Entry) size() uint64 { return uint64(max(int64(len(e.Data)), e.TooLarge)) }

// tooLarge says that data are not shown, in the place of what they mean.
func (w *walker) tooLarge(index uint64, limit int) {
	w.key(`"not_decoded":`)
	w.string(fmt.Sprintf("more than %d MiB: entries/%d has the bytes", limit>>20, index))
}

// appendTooLarge appends an entry that is too large to decode.
func appendTooLarge(dst []byte, e Entry, indent bool) []byte {
	w := newWalker(dst, Options{}, 0, indent)
	w.open('{')
	w.head(e)
	w.tooLarge(e.Index, MaxData)
	w.close('}')
	return w.free()
}
