package dgraph

import (
	"github.com/walfs/walfs/walcore"

	"iter"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/format"
)

// readable makes a sound log of n entries, without the storage's code.
func readable(b *testing.B, n uint64) string {
	dir := filepath.Join(b.TempDir(), "w")
	var entries iter.Seq[nativelog.Entry] = func(yield func(nativelog.Entry) bool) {
		data := make([]byte, 400)
		for i := uint64(1); i <= n && yield(nativelog.Entry{Term: 1 + i/70000, Index: i, Data: data[:i*7919%400]}); i++ {
		}
	}
	fixture.Must(b, nativelog.Write(dir, nativelog.Meta{Term: 1 + n/70000, Commit: n}, entries))
	return dir
}

// benchEntries is the length of the log in BenchmarkReader.
const benchEntries = 10 * format.SlotsPerFile

func openBench(b *testing.B, dir string) *Reader {
	r, err := OpenReader(dir, ReaderOptions{})
	fixture.Must(b, err)
	return r
}

// BenchmarkReader does what a mount asks of a reader.
func BenchmarkReader(b *testing.B) {
	dir := readable(b, benchEntries)
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			openBench(b, dir).Close()
		}
	})
	b.Run("open and list", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := openBench(b, dir)
			for range r.Entries(0) {
			}
			r.Close()
		}
	})
	r := openBench(b, dir)
	defer r.Close()
	r.Problems()
	b.Run("entry", func(b *testing.B) { benchmarkEntry(b, r) })
	b.Run("list 30000", func(b *testing.B) {
		for b.Loop() {
			count := 0
			for range r.Entries(0) {
				if count++; count == format.SlotsPerFile {
					break
				}
			}
		}
	})
	b.Run("read", func(b *testing.B) { benchmarkRead(b, r) })
	b.Run("scan", func(b *testing.B) { benchmarkScan(b, r) })
}

// nextRandom gives the number after i in a sequence without order.
func nextRandom(i uint64) uint64 { return i*2862933555777941757 + 3037000493 }

func benchmarkEntry(b *testing.B, r *Reader) {
	i := uint64(0)
	for b.Loop() {
		i = nextRandom(i)
		if _, err := r.Entry(1 + i>>32%benchEntries); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkRead(b *testing.B, r *Reader) {
	i, buf := uint64(0), make([]byte, 0, 400)
	for b.Loop() {
		i = nextRandom(i)
		e, err := r.Entry(1 + i>>32%benchEntries)
		fixture.Must(b, err)
		if _, err := e.AppendData(buf); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkScan(b *testing.B, r *Reader) {
	for b.Loop() {
		var s walcore.Scanner
		count := 0
		for e := range r.Entries(0) {
			if _, err := s.Data(&e); err != nil {
				b.Fatal(err)
			}
			if count++; count == format.SlotsPerFile {
				break
			}
		}
	}
}

// BenchmarkRefresh follows a full file and nine before it as entries come.
func BenchmarkRefresh(b *testing.B) {
	for _, bench := range []struct {
		name string
		read func(*Reader)
	}{{"alone", func(*Reader) {}}, {"and sizes", func(r *Reader) { r.Last() }}} {
		b.Run(bench.name, func(b *testing.B) {
			const n = 10*format.SlotsPerFile - 5000
			dir := readable(b, n)
			s, err := OpenWriter(dir, WriterOptions{})
			fixture.Must(b, err)
			r, err := OpenReader(dir, ReaderOptions{})
			fixture.Must(b, err)
			defer func() { s.Close(); r.Close() }()
			last := uint64(n)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				list := entriesFrom(last+1, 1)
				list[0].Term = new(uint64)
				*list[0].Term = 1 + n/70000
				fixture.Must(b, s.Save(nil, list, nil))
				last++
				b.StartTimer()
				next, err := r.refresh()
				fixture.Must(b, err)
				if next == r {
					b.Fatal("nothing new")
				}
				r = next
				bench.read(r)
			}
		})
	}
}

// entriesFrom makes n entries of 100 bytes for a storage.
func entriesFrom(first uint64, n int) []*raftpb.Entry {
	list := make([]*raftpb.Entry, n)
	for i := range list {
		list[i] = &raftpb.Entry{Term: proto.Uint64(1), Index: proto.Uint64(first + uint64(i)), Data: make([]byte, 100)}
	}
	return list
}
