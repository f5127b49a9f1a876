package payload

import (
	"testing"
)

// benchLog is the largest log there is: alpha-killed where the large fixtures
// are, else alpha.
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
