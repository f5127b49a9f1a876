package dgraph

import (
	"math"
	"path/filepath"
	"sync"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"go.etcd.io/raft/v3/raftpb"
)

// TestSizesThatNoOffsetTells: emptied entries leave gaps, the last entry has
// nothing behind it, and a length is lost, in a file that has room for any.
func TestSizesThatNoOffsetTells(t *testing.T) {
	d := damage(t, "alpha")
	want := map[uint64]int64{}
	for e := range d.open().Entries(0) {
		want[e.Index] = e.Size
	}
	for slot := range 500 {
		if d.Get(slot, fixture.Type) == uint64(raftpb.EntryType_EntryNormal) {
			d.SetLength(slot, 0)
			want[d.Get(slot, fixture.Index)] = 0
		}
	}
	const lost = 800
	d.SetLength(lost, math.MaxUint32)
	delete(want, d.Get(lost, fixture.Index))
	d.Truncate(1 << 40)
	r := d.open()
	seen := 0
	for e := range r.Entries(0) {
		if size, listed := want[e.Index]; !listed || e.Size != size {
			t.Errorf("entry %d has %d bytes, want %d", e.Index, e.Size, size)
		}
		seen++
	}
	if seen != len(want) {
		t.Errorf("%d entries, want %d", seen, len(want))
	}
	if problems := r.Problems(); len(problems) != 1 || problems[0].Slot != lost || problems[0].Kind != walcore.KindLength {
		t.Errorf("problems %v, want one, about the length in slot %d", problems, lost)
	}
}

// TestManyReaders: goroutines share what a file's sizes and checksums tell.
func TestManyReaders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	s, err := OpenWriter(dir, WriterOptions{Create: true, Checksums: true})
	fixture.Must(t, err)
	fixture.Must(t, s.Save(nil, entriesFrom(1, 300), nil))
	fixture.Must(t, s.Close())
	r := open(t, dir, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			n := 0
			for e := range r.Entries(0) {
				if data, err := e.Data(); err != nil || len(data) != 100 {
					t.Errorf("entry %d: %d bytes, %v", e.Index, len(data), err)
				}
				n++
			}
			if n != 300 {
				t.Errorf("%d entries", n)
			}
		})
	}
	wg.Wait()
	for i := range 300 {
		if !r.tables()[0].verified.Load().has(i) {
			t.Fatalf("slot %d is read again each time", i)
		}
	}
}
