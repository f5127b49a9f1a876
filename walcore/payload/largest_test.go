package payload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"google.golang.org/protobuf/encoding/protowire"
)

// TestLargeRawData: data that do not parse are not shown where they are very many.
func TestLargeRawData(t *testing.T) {
	testfixture.NotForRace(t)
	program := NewProgram("exit 1")
	defer program.Close()
	for _, test := range []struct {
		typ  uint32
		size int
		want string
	}{{0, 100, "text"}, {0, maxRaw, "text"}, {0, maxRaw + 1, "not_decoded"}, {1, maxRaw + 1, "not_decoded"}} {
		for _, d := range []Decoder{NewDgraph(Alpha, Options{}), program} {
			e := Entry{Term: 1, Index: 42, Type: test.typ, Data: []byte(strings.Repeat("x", test.size))}
			out, _ := d.AppendCompact(nil, e) // the program fails
			var got map[string]any
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if got["size"] != float64(test.size) || got[test.want] == nil {
				t.Errorf("%d bytes of type %d: %.200s", test.size, test.typ, out)
			}
			if say, ok := got["not_decoded"]; ok && say != "more than 8 MiB that do not parse: walfs cat DIR entries/42 gives the bytes" {
				t.Error(say)
			}
		}
	}
}

// TestLongJSON: what decodes to very much JSON is not shown, however small it is itself.
func TestLongJSON(t *testing.T) {
	testfixture.NotForRace(t) // it writes 128 MiB
	d := NewDgraph(Alpha, Options{})
	data := append(make([]byte, keySize), strings.Repeat("\xf8\x07\x00", maxRaw/3+1)...) // a field that is not known
	out, err := d.AppendJSON([]byte("before"), Entry{Term: 1, Index: 42, Data: data})
	want := `before{
  "term": 1,
  "index": 42,
  "type": "EntryNormal",
  "size": 8388617,
  "not_decoded": "more than 128 MiB of JSON: walfs cat DIR entries/42 gives the bytes"
}
`
	if err != nil || string(out) != want {
		t.Errorf("%.500s (%v)", out, err)
	}
}

// TestLargeSnapshot: a snapshot's data that are too many are not read, or not shown if they
// do not parse.
func TestLargeSnapshot(t *testing.T) {
	d := NewDgraph(Zero, Options{})
	for _, test := range []struct {
		size int64
		want string
	}{
		{MaxData + 1, "more than 64 MiB"},
		{maxRaw + 1, "more than 8 MiB that do not parse"},
	} {
		out, err := AppendSnapshotOf(nil, d, &walcore.Snapshot{
			Stored: walcore.Section{Size: test.size + 100},
			Data:   walcore.Section{Size: test.size, ReaderAt: zeros{max: maxRaw + 1}},
		})
		want := fmt.Sprintf("{\n  \"size\": %d,\n  \"not_decoded\": \"%s: walfs cat DIR snapshots/latest/data gives the bytes\"\n}\n", test.size, test.want)
		if err != nil || string(out) != want {
			t.Errorf("%d bytes: %s (%v)", test.size, out, err)
		}
	}
}

// zeros are bytes of which at most so many may be read.
type zeros struct{ max int }

func (z zeros) ReadAt(p []byte, _ int64) (int, error) {
	if len(p) > z.max {
		return 0, fmt.Errorf("%d bytes asked for", len(p))
	}
	clear(p)
	return len(p), nil
}

// withEmptyEdges adds edges to a mutation, each of two bytes.
func withEmptyEdges(mutation []byte, n int) []byte {
	const at = keySize + 1 // where the length of the mutations is
	mutations, _ := protowire.ConsumeBytes(mutation[at:])
	more := append(bytes.Clone(mutations), strings.Repeat("\x1a\x00", n)...)
	return protowire.AppendBytes(bytes.Clone(mutation[:at]), more)
}

// TestMemoryForLargeList: the JSON of many edges takes memory once, whatever the entry's
// size. Lists of which the end is longer than the beginning are copied a few times.
func TestMemoryForLargeList(t *testing.T) {
	testfixture.NotForRace(t)
	d := NewDgraph(Alpha, Options{})
	for _, mib := range testfixture.Size([]int{4}, []int{4, 16, 32}) {
		even := testfixture.Mutation(mib*12500, 50)
		for name, test := range map[string]struct {
			data  []byte
			times int // the text's size
		}{
			"even":     {even, 2},
			"long end": {withEmptyEdges(even, mib*100_000), 6},
		} {
			var out []byte
			allocated := testfixture.Allocated(func() { out, _ = d.AppendJSON(nil, Entry{Term: 1, Index: 1, Data: test.data}) })
			if most := test.times*len(out) + 8<<20; allocated > most || !bytes.Contains(out, []byte("edges")) {
				t.Errorf("%s of %d MiB: %d bytes of JSON, %d allocated, want at most %d: %.300s", name, mib, len(out), allocated, most, out)
			}
		}
	}
}
