//go:build unix

package dgraph

import (
	"testing"

	"github.com/walfs/walfs/test/raftdir"
)

// TestEmptiedDuringReading: payloads are emptied after a reader has looked for that, and before it reads
// lengths: under the same Identity none of them has another size.
func TestEmptiedDuringReading(t *testing.T) {
	f := follow(t, raftdir.Options{Slots: 80})
	f.refreshUntilUnchanged()
	first := f.r
	last := f.w.Last
	sizes := map[uint64]int64{}
	for e := range first.Entries(1) {
		sizes[e.Index] = e.Size
	}
	f.w.CommitTo(last)
	f.refresh()
	late := f.r
	f.w.Empty(last + 1)
	e, err := late.Entry(last)
	if err == nil && e.Size != sizes[last] {
		t.Errorf("entry %d has %d bytes and had %d, in the same file", last, e.Size, sizes[last])
	}
	f.refresh()
	e, err = f.r.Entry(last)
	if err != nil || e.Size != 0 {
		t.Fatalf("then entry %d has %d bytes, %v; want none", last, e.Size, err)
	}
	in, _, _ := findSlot(late.spans, last)
	if e.File.Identity == late.files[in].Identity {
		t.Error("the file's identity is the same")
	}
}
