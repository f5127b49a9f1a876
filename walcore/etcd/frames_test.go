package etcd

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/etcdlog"
	"github.com/walfs/walfs/test/fixture"
)

// TestBlocks: frames end before, at and behind the end of a block, take a whole one, or more.
// Half of the log is read when it is opened, the other half is news. Where a record is damaged,
// all before it are shown, wherever the block ends.
func TestBlocks(t *testing.T) {
	const header = 30 // of a frame, about
	rnd := rand.New(rand.NewPCG(15, 1))
	for name, size := range map[string]func(i int) int{
		"small":            func(i int) int { return i % 5 * 100 },
		"of half a block":  func(i int) int { return blockSize/2 - header + i%9*8 },
		"of a block":       func(i int) int { return blockSize - header + (i%9-4)*8 },
		"larger":           func(i int) int { return blockSize + i%5*blockSize/2 },
		"one is larger":    func(i int) int { return 500 + i%40/39*3*blockSize },
		"of all sizes":     func(int) int { return int(rnd.ExpFloat64() * blockSize / 4) },
		"two fill a block": func(i int) int { return []int{100, blockSize - 100 - 2*header}[i%2] },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "etcd")
			w, err := etcdlog.Create(dir, etcdlog.Options{SegmentSize: 32 * blockSize})
			fixture.Must(t, err)
			defer w.Close()
			var data [][]byte
			var begins []int64
			for total := 0; total < 5*blockSize; {
				i := len(data) + 1
				b := bytes.Repeat([]byte{byte(i)}, size(i))
				begin := w.End()
				fixture.Must(t, w.Append(etcdlog.Entry{Term: 2, Index: uint64(i), Data: b}))
				data, begins, total = append(data, b), append(begins, begin), total+len(b)+header
			}
			half := len(data) / 2
			whole := fixture.ReadFile(t, w.Path())
			fixture.WriteFile(t, w.Path(), append(bytes.Clone(whole[:begins[half]]), make([]byte, 1000)...))
			r := open(t, dir)
			wantData(t, r, data[:half])
			fixture.WriteFile(t, w.Path(), whole)
			next, err := r.Refresh()
			fixture.Must(t, err)
			r = next.(*Reader)
			wantData(t, r, data)
			if len(r.Problems()) > 0 {
				t.Errorf("%v", r.Problems())
			}

			// The sum in a record, or a byte of its data, is another one.
			for range fixture.Size(10, 50) {
				i := rnd.IntN(len(data))
				at := begins[i] + 8 + 3
				if n := int64(len(data[i])); n > header && rnd.IntN(2) == 0 {
					at = begins[i] + header + rnd.Int64N(n-header)
				}
				f := fixture.Edit(t, w.Path())
				f.Write(at, []byte{whole[at] ^ 1})
				broken := open(t, dir)
				wantData(t, broken, data[:i])
				fixture.Must(t, broken.Close())
				f.Write(at, whole[at:at+1])
			}
		})
	}
}

// wantData checks that a log has entries with these payloads.
func wantData(t *testing.T, r *Reader, data [][]byte) {
	t.Helper()
	n := 0
	for e := range r.Entries(0) {
		b, err := e.Data()
		fixture.Must(t, err)
		if e.Index != uint64(n+1) || n >= len(data) || !bytes.Equal(b, data[n]) {
			t.Fatalf("entry %d, the %dth of %d, has %d bytes; %v", e.Index, n+1, len(data), len(b), r.Problems())
		}
		n++
	}
	if n != len(data) {
		t.Fatalf("%d entries, want %d; %v", n, len(data), r.Problems())
	}
}
