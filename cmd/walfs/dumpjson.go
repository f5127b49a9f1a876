package main

import (
	"bufio"
	"encoding/base64"
	"strconv"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/payload"
	"go.etcd.io/raft/v3/raftpb"
)

// jsonLines is a line of JSON an entry. All strings in it but the decoded part
// are made of characters that JSON takes as they are.
type jsonLines struct {
	out     *bufio.Writer
	decoder payload.Decoder
	full    bool
	line    []byte
}

func (j *jsonLines) print(e *dgraph.Entry, data []byte) error {
	b := j.line[:0]
	b = append(b, `{"index":`...)
	b = strconv.AppendUint(b, e.Index, 10)
	b = append(b, `,"term":`...)
	b = strconv.AppendUint(b, e.Term, 10)
	b = append(b, `,"type":`...)
	if name, known := raftpb.EntryType_name[int32(e.Type)]; known {
		b = append(append(append(b, '"'), name...), '"')
	} else {
		b = strconv.AppendInt(b, int64(e.Type), 10)
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
	b = base64.StdEncoding.AppendEncode(b, data)
	b = append(b, '"')
	if j.full {
		b = append(b, `,"decoded":`...)
		b, _ = j.decoder.AppendCompact(b, fsview.PayloadEntry(e, data))
	}
	j.line = append(b, '}', '\n')
	_, err := j.out.Write(j.line)
	return err
}

func (j *jsonLines) end(*dgraph.Reader) error { return nil }
