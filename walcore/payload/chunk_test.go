package payload

import (
	"errors"
	"iter"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/walfs/walfs/walcore"
)

// chunkInfo encodes what is in the extensions of a chunk, as proto3 does.
func chunkInfo(operation, sequence, of uint64, next string) (b []byte) {
	for i, u := range []uint64{operation, sequence, of} {
		if u != 0 {
			b = protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(1+i), protowire.VarintType), u)
		}
	}
	if next != "" {
		b = protowire.AppendString(protowire.AppendTag(b, 4, protowire.BytesType), next)
	}
	return b
}

func TestReadChunk(t *testing.T) {
	const most = 1<<64 - 1
	for _, tt := range []struct {
		b    []byte
		want Chunk
	}{
		{chunkInfo(17, 0, 5, ""), Chunk{Operation: 17, Number: 1, Of: 5}},
		{chunkInfo(most, 4, 5, "next"), Chunk{Operation: most, Number: 5, Of: 5}},
		{chunkInfo(0, 0, 1, ""), Chunk{Number: 1, Of: 1}},
		{chunkInfo(0, 1<<32-2, 1<<32-1, ""), Chunk{Number: 1<<32 - 1, Of: 1<<32 - 1}},
	} {
		if got := readChunk(tt.b); got == nil || *got != tt.want {
			t.Errorf("%x: %+v", tt.b, got)
		}
	}
	for _, b := range []string{
		string(chunkInfo(17, 5, 5, "")), string(chunkInfo(17, 0, 0, "")), string(chunkInfo(17, 0, 1<<32, "")), // no such chunk
		string(chunkInfo(17, 1, 5, "")) + "\x28\x01", string(chunkInfo(17, 1, 5, "")) + "\x18", // another field, and its half
		"\x0a\x01x", "\x00", "text", "\xb2\xc7\x2f\xd4\xb8\x7a\xbc\xaf",
	} {
		if got := readChunk([]byte(b)); got != nil {
			t.Errorf("%x: %+v", b, got)
		}
	}
}

// extended is the source of entries with extensions.
type extended struct {
	extensions string
	err        error
}

func (s extended) Entries(uint64) iter.Seq[walcore.Entry]         { return nil }
func (s extended) ReadPayload(walcore.Entry, []byte, int64) error { return nil }
func (s extended) Extensions(walcore.Entry) ([]byte, error)       { return []byte(s.extensions), s.err }
func (s extended) entry(typ walcore.EntryType, data string) Entry {
	return EntryOf(&walcore.Entry{Term: 1, Index: 2, Type: typ, Size: int64(len(data)), File: &walcore.File{Source: s}}, []byte(data))
}

// TestChunks: a part of a command is shown as one, and is not taken for a command. Its bytes
// are hidden.
func TestChunks(t *testing.T) {
	chunk := extended{extensions: string(chunkInfo(1<<63, 1, 5, ""))}
	command := "\x07" + mpFields("a", marker)
	for _, data := range []string{command, "\x02\xff" + marker, marker, ""} {
		e := chunk.entry(walcore.LogCommand, data)
		said := outputs(t, NewHashiCorp(Options{}), e)
		if shows(said) || !strings.Contains(said, `"chunk":{"operation":"9223372036854775808","number":2,"of":5}`) ||
			!strings.Contains(said, "\nchunk 2 of 5 of operation 9223372036854775808, ") || data != "" && !strings.Contains(said, redactedRaw) {
			t.Error(said)
		}
		said = outputs(t, NewHashiCorp(Options{ShowSecrets: true}), e)
		if strings.Contains(said, "redacted") || shows(said) != (data != "") || strings.Contains(said, "message") {
			t.Error(said)
		}
		var f Facts
		NewHashiCorp(Options{}).Facts(&f, e)
		if f.Kind != KindChunk {
			t.Errorf("%q is of kind %s", data, f.Kind)
		}
	}
	// Of other types, and with other extensions, an entry is what it is without.
	for _, e := range []Entry{
		chunk.entry(walcore.LogNoop, ""), extended{}.entry(walcore.LogCommand, command), extended{extensions: "else"}.entry(walcore.LogCommand, command),
	} {
		if e.Chunk != nil {
			t.Errorf("%+v", e.Chunk)
		}
	}
	e := extended{err: errors.New("raft.db is gone")}.entry(walcore.LogCommand, command)
	if said := outputs(t, NewHashiCorp(Options{}), e); shows(said) || strings.Count(said, "raft.db is gone") != 3 {
		t.Error(said)
	}
}
