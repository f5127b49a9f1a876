package export

import (
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"google.golang.org/protobuf/encoding/protowire"
)

// TestLongNames: a predicate's name of any length is not kept, and counts as what a batch
// holds. A short one is made once.
func TestLongNames(t *testing.T) {
	fixture.NotForRace(t)
	for _, size := range []int{10, maxNameSize + 1} {
		field := func(num protowire.Number, b []byte) []byte {
			return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), b)
		}
		name := "0-" + strings.Repeat("n", size)
		data := append([]byte{0, 1, 0, 0, 0, 0, 0, 1}, field(2, field(3, field(2, []byte(name))))...)
		r := rows{Options: &Options{}, edges: &tableWriter{batch: newBatch(edges)}}
		payload.NewDgraph(payload.Alpha, payload.Options{}).Facts(&r.facts, payload.Entry{Data: data})
		for range 3 {
			r.addEdges(&walcore.Entry{Index: 1, Term: 1})
		}
		b := r.edges.batch
		if got := b.columns[edgePredicate]; len(got) != 3 || string(got[2].ByteArray()) != name || b.columns[edgeNamespace][2].IsNull() {
			t.Fatalf("%d rows: %v", len(got), got)
		}
		if long := size > maxNameSize; long != (len(r.names.predicates) == 0) || long != (len(b.bytes) > 3*size) {
			t.Errorf("size %d: %d names are kept, the batch has %d bytes", size, len(r.names.predicates), len(b.bytes))
		}
	}
}
