package payload

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	testfixture "github.com/walfs/walfs/test/fixture"
)

// benchLog is a large log: alpha-killed if the large fixtures are there, or else alpha.
func benchLog(b *testing.B) testLog {
	b.Helper()
	path, ok := fixture("alpha-killed.tar.gz")
	if !ok {
		path, _ = fixture("alpha.tar.gz")
	}
	return readLog(b, path)
}

func benchmark(b *testing.B, one func(e Entry)) {
	log := benchLog(b)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		one(log.entries[i%len(log.entries)])
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	d := NewDgraph(Alpha, Options{})
	var buf []byte
	benchmark(b, func(e Entry) { buf, _ = d.AppendJSON(buf[:0], e) })
}

// BenchmarkLarge: the time for a byte is the same whatever the size.
func BenchmarkLarge(b *testing.B) {
	d := NewDgraph(Alpha, Options{})
	for _, mib := range []int{4, 16, 60} {
		for name, data := range map[string][]byte{
			"value": testfixture.Mutation(1, mib<<20),
			"edges": testfixture.Mutation(mib*12500, 50),
			"text":  []byte(strings.Repeat("x", min(mib<<20, maxRaw))),
		} {
			b.Run(fmt.Sprintf("%s/%dMiB", name, len(data)>>20), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					_, _ = d.AppendJSON(nil, Entry{Term: 1, Index: 1, Data: data})
				}
			})
		}
	}
}

func BenchmarkAppendCompact(b *testing.B) {
	d := NewDgraph(Alpha, Options{})
	var buf []byte
	benchmark(b, func(e Entry) { buf, _ = d.AppendCompact(buf[:0], e) })
}

func BenchmarkSummarize(b *testing.B) {
	d := NewDgraph(Alpha, Options{})
	var s Summary
	benchmark(b, func(e Entry) { _ = d.Summarize(&s, e) })
}

func BenchmarkFit(b *testing.B) {
	d := NewDgraph(Alpha, Options{})
	benchmark(b, func(e Entry) { d.Fit(e) })
}

// BenchmarkSchema is what the first use of a decoder costs.
func BenchmarkSchema(b *testing.B) {
	for b.Loop() {
		loadSchema()
	}
}

func BenchmarkProgram(b *testing.B) {
	p := NewProgram(echo)
	defer p.Close()
	var buf []byte
	benchmark(b, func(e Entry) { buf, _ = p.AppendCompact(buf[:0], e) })
}

// BenchmarkDynamic is the usual way, to compare with: decode into a message,
// then protojson.
func BenchmarkDynamic(b *testing.B) {
	md := load(b, "dgraph.proto", "walfs.dgraph.Proposal")
	benchmark(b, func(e Entry) {
		if len(e.Data) < keySize {
			return
		}
		m := dynamicpb.NewMessage(md)
		if err := proto.Unmarshal(e.Data[keySize:], m); err != nil {
			return
		}
		if _, err := (protojson.MarshalOptions{UseProtoNames: true}).Marshal(m); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkFacts(b *testing.B) {
	d := NewDgraph(Alpha, Options{})
	var f Facts
	benchmark(b, func(e Entry) { d.Facts(&f, e) })
}
