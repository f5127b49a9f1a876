package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// jsonLines is a line of JSON an entry. No string in it needs escaping, but for
// those of the decoded part.
type jsonLines struct {
	out     *bufio.Writer
	system  *walcore.System
	decoder payload.Decoder
	decoded bool // what it means, too
	// replaced says that these are replaced entries, of which an index, a term or a slot
	// may not be known.
	replaced bool
	line     []byte
}

func (j *jsonLines) print(e *walcore.Entry, data []byte) error {
	b := j.line[:0]
	b = append(b, `{"index":`...)
	b = j.number(b, e.Index, e.Index > 0)
	b = append(b, `,"term":`...)
	b = j.number(b, e.Term, e.Term > 0)
	b = append(b, `,"type":`...)
	if name, known := j.system.TypeName(e.Type); known {
		b = append(append(append(b, '"'), name.Symbol...), '"')
	} else {
		b = append(b, name.Symbol...)
	}
	b = append(b, `,"size":`...)
	b = strconv.AppendInt(b, e.Size, 10)
	b = append(b, `,"file":"`...)
	b = append(b, e.File.Name...)
	b = append(b, `","slot":`...)
	b = j.number(b, uint64(e.Slot), e.Slot >= 0)
	b = append(b, `,"offset":`...)
	b = strconv.AppendUint(b, e.Offset, 10)
	if j.replaced {
		b = append(append(append(b, `,"replaced":true,"known_by":"`...), knownBy(e)...), '"')
	}
	b = append(b, `,"data":"`...)
	if e.Size <= payloadWindow {
		b = base64.StdEncoding.AppendEncode(b, data)
	} else {
		if err := j.encode(b, e, data); err != nil {
			return err
		}
		b = b[:0]
	}
	b = append(b, '"')
	if j.decoded {
		b = append(b, `,"decoded":`...)
		b, _ = j.decoder.AppendCompact(b, payload.EntryOf(e, data))
	}
	j.line = append(b, '}', '\n')
	_, err := j.out.Write(j.line)
	return err
}

// number writes a number of an entry; of a replaced one it is null if it is not known.
func (j *jsonLines) number(b []byte, n uint64, known bool) []byte {
	if j.replaced && !known {
		return append(b, "null"...)
	}
	return strconv.AppendUint(b, n, 10)
}

// knownBy says what tells that there was a replaced entry.
func knownBy(e *walcore.Entry) string {
	if e.Slot < 0 {
		return "payload"
	}
	return "slot"
}

// encode writes the line so far, and a large payload after it, which so is not held
// in memory once more.
func (j *jsonLines) encode(line []byte, e *walcore.Entry, data []byte) error {
	if _, err := j.out.Write(line); err != nil {
		return err
	}
	w := base64.NewEncoder(base64.StdEncoding, j.out)
	if _, err := io.Copy(w, payloadReader(e, data)); err != nil {
		return fmt.Errorf("the line of entry %d is cut off: %w", e.Index, err)
	}
	return w.Close()
}

func (j *jsonLines) end(walcore.Log) error { return nil }
