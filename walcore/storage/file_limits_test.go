package storage

import (
	"fmt"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/vfs"
	"go.etcd.io/raft/v3/raftpb"
)

// sizes takes a file's sizes, and has no file.
type sizes struct {
	vfs.File
	list []int64
}

func (f *sizes) Truncate(size int64) error { f.list = append(f.list, size); return nil }

func (f *sizes) Allocate(off, n int64) error { return nil }

// A file grows by its own size, by 1 GiB at most at a time.
func TestGrowth(t *testing.T) {
	const mib, gib = int64(1) << 20, int64(1) << 30
	f := &sizes{}
	g := &segment{f: f, size: 256 * mib}
	for _, end := range []int64{mib, 256 * mib, 256*mib + 1, 512 * mib, 512*mib + 1, gib + 1, 2*gib + 1, 3*gib + 1} {
		fixture.Must(t, g.reserve(end))
	}
	if want := []int64{512 * mib, gib, 2 * gib, 3 * gib, 4 * gib}; fmt.Sprint(f.list) != fmt.Sprint(want) || g.size != 4*gib {
		t.Errorf("the file had sizes %d, want %d", f.list, want)
	}
}

// A file takes 30,000 entries, and no entry but the first that ends beyond 1 GiB.
func TestFit(t *testing.T) {
	s := reopen(t, t.TempDir()+"/w", Options{Create: true})
	g := &segment{}
	fit := func(tail int64, have, size, want int) {
		t.Helper()
		g.tail = tail
		n, end := s.capacity(g, have, []*raftpb.Entry{{}, {Data: make([]byte, size)}, {}})
		for _, size := range []int64{4, 4 + int64(size), 4}[:n] {
			tail += size
		}
		if n != want || end != tail {
			t.Errorf("%d entries of %d bytes behind %d: %d fit, to %d; want %d, to %d", 3, size, g.tail, n, end, want, tail)
		}
	}
	fit(1<<20, 0, 10, 3)
	fit(1<<20, 29997, 10, 3)
	fit(1<<20, 29998, 10, 2)
	fit(1<<20, 29999, 10, 1)
	fit(1<<20, 30000, 10, 0)
	fit(1<<30-110, 1, 98, 3)
	fit(1<<30-110, 1, 99, 2)
	fit(1<<30-110, 1, 102, 2)
	fit(1<<30-110, 1, 103, 1)
	fit(1<<30-3, 1, 0, 0)
	fit(1<<30+500, 0, 1, 1)
}
