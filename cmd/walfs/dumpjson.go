package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// jsonLines is a line of JSON an entry: that of jsonl/ in the tree, with data in it.
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
	b := payload.AppendPlace(j.line[:0], j.system, e, j.replaced)
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
		b, _ = payload.AppendDecoded(b, j.decoder, e, data) // the decoder reports what it fails for
	}
	j.line = append(b, '}', '\n')
	_, err := j.out.Write(j.line)
	return err
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
