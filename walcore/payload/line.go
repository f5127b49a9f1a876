package payload

import (
	"strconv"

	"github.com/walfs/walfs/walcore"
)

// AppendLine appends an entry's line of JSON: what AppendPlace and AppendDecoded say, and
// a newline at the end. It fails as a Decoder does, and the line is whole all the same.
func AppendLine(dst []byte, s *walcore.System, d Decoder, e *walcore.Entry, data []byte) ([]byte, error) {
	dst, err := AppendDecoded(AppendPlace(dst, s, e, false), d, e, data)
	return append(dst, '}', '\n'), err
}

// AppendPlace begins a line of JSON: what an entry is, and where it is stored. No string
// in it needs escaping. If the entry is a replaced one, what is not known of it is null.
func AppendPlace(dst []byte, s *walcore.System, e *walcore.Entry, replaced bool) []byte {
	number := func(name string, n uint64, known bool) {
		dst = append(dst, name...)
		if replaced && !known {
			dst = append(dst, "null"...)
			return
		}
		dst = strconv.AppendUint(dst, n, 10)
	}
	number(`{"index":`, e.Index, e.Index > 0)
	number(`,"term":`, e.Term, e.Term > 0)
	dst = append(dst, `,"type":`...)
	if name, known := s.TypeName(e.Type); known {
		dst = append(append(append(dst, '"'), name.Symbol...), '"')
	} else {
		dst = append(dst, name.Symbol...)
	}
	number(`,"size":`, uint64(e.Size), true)
	dst = append(append(append(dst, `,"file":"`...), e.File.Name...), '"')
	number(`,"slot":`, uint64(e.Slot), e.Slot >= 0)
	number(`,"offset":`, e.Offset, true)
	return dst
}

// AppendDecoded goes on with a line of JSON: what the entry means.
func AppendDecoded(dst []byte, d Decoder, e *walcore.Entry, data []byte) ([]byte, error) {
	return d.AppendCompact(append(dst, `,"decoded":`...), EntryOf(e, data))
}
