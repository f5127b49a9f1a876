package etcd

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/etcdlog"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// write makes a directory of n entries of size bytes.
func write(t testing.TB, n, size int, o etcdlog.Options) (dir string, w *etcdlog.Writer) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "etcd")
	w, err := etcdlog.Create(dir, o)
	fixture.Must(t, err)
	t.Cleanup(func() { w.Close() })
	data := bytes.Repeat([]byte("walfs"), size/5+1)[:size]
	const batch = 100
	for i := 1; i <= n; i += batch {
		var entries []etcdlog.Entry
		for k := i; k < i+batch && k <= n; k++ {
			entries = append(entries, etcdlog.Entry{Term: 2, Index: uint64(k), Data: data})
		}
		fixture.Must(t, w.Append(entries...))
		fixture.Must(t, w.State(2, 1, uint64(i)))
	}
	return dir, w
}

// BenchmarkOpen reads the segments of 200,000 entries of 300 bytes, one segment of 67 MB; BenchmarkCat reads
// the same bytes and does nothing with them.
func BenchmarkOpen(b *testing.B) {
	dir, _ := write(b, 200_000, 300, etcdlog.Options{SegmentSize: 68 << 20})
	b.SetBytes(segmentBytes(b, dir))
	for b.Loop() {
		r, err := Open(dir)
		fixture.Must(b, err)
		if walcore.Count(r) != 200_000 {
			b.Fatal(walcore.Count(r), r.Problems())
		}
		r.Close()
	}
}

func BenchmarkCat(b *testing.B) {
	dir, _ := write(b, 200_000, 300, etcdlog.Options{SegmentSize: 68 << 20})
	b.SetBytes(segmentBytes(b, dir))
	buf := make([]byte, 128<<10) // as cat reads
	for b.Loop() {
		for _, name := range segmentFiles(b, dir) {
			f, err := os.Open(name)
			fixture.Must(b, err)
			for err == nil {
				_, err = f.Read(buf)
			}
			if err != io.EOF {
				b.Fatal(err)
			}
			f.Close()
		}
	}
}

// BenchmarkScan reads all payloads, one after the other.
func BenchmarkScan(b *testing.B) {
	dir, _ := write(b, 200_000, 300, etcdlog.Options{SegmentSize: 68 << 20})
	b.SetBytes(segmentBytes(b, dir))
	r := open(b, dir)
	for b.Loop() {
		var s walcore.Scanner
		for e := range r.Entries(0) {
			_, err := s.Data(&e)
			fixture.Must(b, err)
		}
	}
}

func segmentFiles(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "member/wal/*.wal"))
	fixture.Must(t, err)
	return names
}

func segmentBytes(t testing.TB, dir string) (n int64) {
	t.Helper()
	for _, name := range segmentFiles(t, dir) {
		st, err := os.Stat(name)
		fixture.Must(t, err)
		n += st.Size()
	}
	return n
}
