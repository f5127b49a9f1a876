package storage

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

func benchEntries(from uint64, n, size int) []*raftpb.Entry {
	data := make([]byte, size)
	list := make([]*raftpb.Entry, n)
	for i := range list {
		list[i] = &raftpb.Entry{Term: proto.Uint64(1), Index: proto.Uint64(from + uint64(i)), Data: data}
	}
	return list
}

func BenchmarkAppend(b *testing.B) {
	for _, mode := range []struct {
		name string
		opts Options
	}{{"always", Options{}}, {"checksums", Options{Checksums: true}}, {"manual", Options{Sync: SyncManual}}} {
		for _, n := range []int{1, 64} {
			for _, size := range []int{128, 4096} {
				b.Run(fmt.Sprintf("%s/entries=%d/size=%d", mode.name, n, size), func(b *testing.B) {
					s := create(b, filepath.Join(b.TempDir(), "w"), mode.opts)
					list := benchEntries(1, n, size)
					b.SetBytes(int64(n * size))
					b.ReportAllocs()
					for b.Loop() {
						if err := s.Save(nil, list, nil); err != nil {
							b.Fatal(err)
						}
						for _, e := range list {
							*e.Index += uint64(n)
						}
					}
					b.StopTimer()
					s.Close()
				})
			}
		}
	}
}

func BenchmarkEntries(b *testing.B) {
	s := create(b, filepath.Join(b.TempDir(), "w"), Options{Sync: SyncManual})
	const n = 100000
	fixture.Must(b, s.Save(nil, benchEntries(1, n, 256), nil))
	b.SetBytes(n * 256)
	b.ReportAllocs()
	for b.Loop() {
		for lo := uint64(1); lo <= n; {
			got, err := s.Entries(lo, n+1, 1<<20)
			if err != nil {
				b.Fatal(err)
			}
			lo += uint64(len(got))
		}
	}
}

func BenchmarkTerm(b *testing.B) {
	s := create(b, filepath.Join(b.TempDir(), "w"), Options{Sync: SyncManual})
	fixture.Must(b, s.Save(nil, benchEntries(1, 100000, 8), nil))
	b.ReportAllocs()
	i := uint64(0)
	for b.Loop() {
		i = i%100000 + 1
		if _, err := s.Term(i); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{100000, 1000000} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "w")
			s := create(b, dir, Options{Sync: SyncManual})
			for at := 0; at < n; at += 50000 {
				fixture.Must(b, s.Save(nil, benchEntries(uint64(at+1), 50000, 128), nil))
			}
			fixture.Must(b, s.Close())
			for b.Loop() {
				s, err := Open(dir, Options{})
				if err != nil {
					b.Fatal(err)
				}
				s.Close()
			}
		})
	}
}
