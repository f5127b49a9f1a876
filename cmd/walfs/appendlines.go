package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/walfs/walfs/walcore"
	"go.etcd.io/raft/v3/raftpb"
)

// maxLine is the longest line that is read.
const maxLine = 1 << 30

// entryLines reads entries, one a line of JSON.
type entryLines struct {
	in   *bufio.Scanner
	line int // the number of the last one read
}

func newEntryLines(r io.Reader) *entryLines {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 64<<10), maxLine)
	return &entryLines{in: in}
}

// next gives the next entry, or io.EOF. Blank lines are passed over.
func (l *entryLines) next() (*raftpb.Entry, error) {
	for l.in.Scan() {
		l.line++
		if line := bytes.TrimSpace(l.in.Bytes()); len(line) > 0 {
			return parseEntry(line)
		}
	}
	err := l.in.Err()
	switch {
	case err == nil:
		return nil, io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		err = fmt.Errorf("is longer than %d bytes", maxLine)
	}
	l.line++
	return nil, err
}

// parseEntry reads a line. Its fields are those that dump prints.
func parseEntry(line []byte) (*raftpb.Entry, error) {
	var f struct {
		Index *uint64         `json:"index"`
		Term  *uint64         `json:"term"`
		Type  json.RawMessage `json:"type"`
		Size  *int64          `json:"size"`
		Data  *[]byte         `json:"data"`
	}
	if err := json.Unmarshal(line, &f); err != nil {
		return nil, fmt.Errorf("is not the JSON of an entry: %s", jsonErrorText(err, len(line)))
	}
	switch {
	case f.Index == nil:
		return nil, errors.New("index is missing")
	case f.Term == nil:
		return nil, errors.New("term is missing")
	case f.Type == nil:
		return nil, errors.New("type is missing")
	case f.Data == nil:
		return nil, errors.New("data is missing")
	case *f.Index > walcore.MaxNumber || *f.Term > walcore.MaxNumber:
		return nil, fmt.Errorf("term %d, index %d: no log gets there", *f.Term, *f.Index)
	case f.Size != nil && *f.Size != int64(len(*f.Data)):
		return nil, fmt.Errorf("size is %d, but data has %d bytes", *f.Size, len(*f.Data))
	}
	typ, err := parseType(f.Type)
	if err != nil {
		return nil, err
	}
	return &raftpb.Entry{Index: f.Index, Term: f.Term, Type: &typ, Data: *f.Data}, nil
}

// jsonErrorText says what is wrong with a line of JSON that has length bytes. What
// encoding/json says has Go's types in it.
func jsonErrorText(err error, length int) string {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	var data base64.CorruptInputError
	switch {
	case errors.As(err, &data):
		return fmt.Sprintf("data is no base64, see its byte %d", int64(data))
	case errors.As(err, &typ) && typ.Field == "":
		return fmt.Sprintf("it is %s, want an object", jsonKind(typ.Value))
	case errors.As(err, &typ) && typ.Field == "data":
		return fmt.Sprintf("data is %s, want a string of base64", jsonKind(typ.Value))
	case errors.As(err, &typ):
		return fmt.Sprintf("%s is %s, want a number from 0 up", typ.Field, jsonKind(typ.Value))
	case errors.As(err, &syntax) && syntax.Offset >= int64(length):
		return "it is cut short"
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is no JSON from byte %d on; walfs dump --format json prints such lines", syntax.Offset)
	}
	return err.Error()
}

// jsonKind puts an article before what encoding/json calls a value. A number comes as
// it is.
func jsonKind(value string) string {
	if digits, ok := strings.CutPrefix(value, "number "); ok {
		return digits
	}
	switch value {
	case "array", "object":
		return "an " + value
	}
	return "a " + value
}

func parseType(raw json.RawMessage) (raftpb.EntryType, error) {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		switch name {
		case "normal":
			return raftpb.EntryNormal, nil
		case "conf_change":
			return raftpb.EntryConfChange, nil
		case "conf_change_v2":
			return raftpb.EntryConfChangeV2, nil
		}
		if n, ok := raftpb.EntryType_value[name]; ok {
			return raftpb.EntryType(n), nil
		}
	}
	var n int64
	if json.Unmarshal(raw, &n) == nil && n >= 0 && n <= math.MaxInt32 {
		return raftpb.EntryType(n), nil
	}
	return 0, fmt.Errorf("type is %s, want EntryNormal, EntryConfChange, EntryConfChangeV2 or a number", raw)
}
