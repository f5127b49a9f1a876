package etcd

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/etcdlog"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

// TestClaimedLengths: lengths that a file claims, and holes, take neither memory nor time.
func TestClaimedLengths(t *testing.T) {
	for _, length := range []uint64{1 << 20, 200 << 20, 1 << 40, 1<<56 - 8, 1<<63 | 7<<56 | 1<<55} {
		dir, w := write(t, 10, 100, etcdlog.Options{SegmentSize: 1 << 16})
		f := fixture.Edit(t, w.Path())
		f.Write(w.End(), binary.LittleEndian.AppendUint64(nil, length))
		f.Truncate(fixture.Size(int64(64<<20), 1<<40))
		snap := filepath.Join(dir, "member/snap/0000000000000002-0000000000000007.snap")
		fixture.WriteFile(t, snap, append([]byte{8, 1, 0x12}, binary.AppendUvarint(nil, length)...))
		fixture.Must(t, os.Truncate(snap, 64<<20))
		var r *Reader
		if n := fixture.Allocated(func() { r = open(t, dir) }); n > 2<<20 {
			t.Errorf("length %#x: %d bytes were allocated", length, n)
		}
		if walcore.Count(r) != 10 || len(r.Problems()) != 1 {
			t.Errorf("length %#x: %d entries, problems %v", length, walcore.Count(r), r.Problems())
		}
	}
}

// TestMemory: an entry takes 16 bytes, and reading one allocates nothing that stays.
func TestMemory(t *testing.T) {
	fixture.NotForRace(t) // it lets pools forget
	n := fixture.Size(20_000, 1_000_000)
	dir, _ := write(t, n, 300, etcdlog.Options{SegmentSize: 16 << 20})
	var r *Reader
	allocated := fixture.Allocated(func() { r = open(t, dir) })
	if limit := n*17 + 1<<20; allocated > limit {
		t.Errorf("%d bytes were allocated for %d entries, at most %d should be", allocated, n, limit)
	}
	if walcore.Count(r) != n {
		t.Fatalf("%d entries", walcore.Count(r))
	}
	buf := make([]byte, 0, 400)
	if allocs := testing.AllocsPerRun(100, func() {
		e, err := r.Entry(uint64(n / 2))
		fixture.Must(t, err)
		_, err = e.AppendData(buf)
		fixture.Must(t, err)
	}); allocs > 0 {
		t.Errorf("%v allocations to read an entry", allocs)
	}
}
