package storage

import (
	"bytes"
	"errors"
	"testing"
)

// TestReadBack shows that each store does the work that is timed: entries that were
// appended before and after it was opened again are all there, once and in order.
func TestReadBack(t *testing.T) {
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			next := uint64(1)
			sizes := map[uint64]int{}
			for _, size := range []int{128, 4096} {
				l, err := s.open(dir)
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range []int{1, 64} {
					appendBatch, err := l.batch(n, size)
					if err != nil {
						t.Fatal(err)
					}
					for range 3 {
						if err := appendBatch(next); err != nil {
							t.Fatal(err)
						}
						for range n {
							sizes[next] = size
							next++
						}
					}
				}
				if err := l.close(); err != nil {
					t.Fatal(err)
				}
			}
			l, err := s.open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer l.close()
			want, got := make([]byte, 4096), uint64(1)
			err = l.read(1, next, func(index uint64, data []byte) {
				if index != got {
					t.Fatalf("entry %d, want %d", index, got)
				}
				if payload(want[:sizes[got]], got); !bytes.Equal(data, want[:sizes[got]]) {
					t.Fatalf("entry %d: %d bytes, other than the %d appended", index, len(data), sizes[got])
				}
				got++
			})
			if err != nil || got != next {
				t.Fatalf("read entries up to %d, want %d; error %v", got-1, next-1, err)
			}
			for _, i := range []uint64{1, next / 2, next - 1} {
				if at, err := l.term(i); !errors.Is(err, errNotOffered) && (err != nil || at != term) {
					t.Errorf("term of entry %d: %d, %v; want %d", i, at, err, term)
				}
			}
			if _, err := l.term(next); err == nil {
				t.Errorf("there is a term behind the last entry")
			}
		})
	}
}
