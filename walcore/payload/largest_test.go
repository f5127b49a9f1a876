package payload

import (
	"encoding/json"
	"strings"
	"testing"

	testfixture "github.com/walfs/walfs/test/fixture"
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
			if say, ok := got["not_decoded"]; ok && say != "more than 8 MiB: entries/42 has the bytes" {
				t.Error(say)
			}
		}
	}
}
