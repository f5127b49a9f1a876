package export

import (
	"fmt"

	"github.com/parquet-go/parquet-go"
	"github.com/walfs/walfs/walcore/payload"
)

// maxDecoded is the size of the longest JSON of an entry that is written, in bytes.
const maxDecoded = 64 << 20

// decode sets the column decoded of all rows. It takes half of an export's time, so that it is done
// beside the making of rows, and right before they are written. Where a decoder fails,
// the JSON says so, and who has given the decoder has seen the error.
func (b *batch) decode(d payload.Decoder) {
	b.columns[entryDecoded] = b.columns[entryDecoded][:0]
	for row, e := range b.later {
		if e.Index == 0 { // it could not be read
			b.columns[entryDecoded] = append(b.columns[entryDecoded], parquet.Value{})
			continue
		}
		from := len(b.bytes)
		b.bytes, _ = d.AppendCompact(b.bytes, e)
		if n := len(b.bytes) - from; n > maxDecoded {
			b.bytes = b.bytes[:from]
			b.columns[entryDecoded] = append(b.columns[entryDecoded], parquet.Value{})
			why := textValue(fmt.Sprintf("the decoded JSON has %d bytes: that of more than %d is left out", n, maxDecoded))
			b.columns[entryError][row] = why.Level(0, 1, entryError)
			continue
		}
		b.since(entryDecoded, from)
	}
}
