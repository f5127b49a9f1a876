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
	line    []byte
}

func (j *jsonLines) print(e *walcore.Entry, data []byte) error {
	b := j.line[:0]
	b = append(b, `{"index":`...)
	b = strconv.AppendUint(b, e.Index, 10)
	b = append(b, `,"term":`...)
	b = strconv.AppendUint(b, e.Term, 10)
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
	b = strconv.AppendInt(b, int64(e.Slot), 10)
	b = append(b, `,"offset":`...)
	b = strconv.AppendUint(b, e.Offset, 10)
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
