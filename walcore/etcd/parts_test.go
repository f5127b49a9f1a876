package etcd

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/etcdlog"
	"github.com/walfs/walfs/test/fixture"
)

// TestParts: a segment that is read in parts is the one that is read as a whole, with entries of
// all sizes, leaders that replace entries, snapshots, another log within a payload, and damage.
func TestParts(t *testing.T) {
	guessed := 0
	for seed := range uint64(fixture.Size(10, 100)) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		dir := filepath.Join(t.TempDir(), "etcd")
		w, err := etcdlog.Create(dir, etcdlog.Options{SegmentSize: 8 << 20})
		fixture.Must(t, err)
		last, term := uint64(0), uint64(1)
		for i := range 500 {
			switch rnd.IntN(40) {
			case 0:
				last, term = last-rnd.Uint64N(last/2+1), term+1
			case 1:
				if seed%3 > 0 || i > 400 { // the first part may have no hard state
					fixture.Must(t, w.State(term, 1, last/2))
				}
			case 2:
				fixture.Must(t, w.NameSnapshot(term, last))
			}
			data := bytes.Repeat([]byte{byte(last)}, int(rnd.ExpFloat64()*1000))
			if rnd.IntN(100) == 0 {
				data = append(make([]byte, rnd.IntN(8)), fixture.ReadFile(t, w.Path())[:w.End()]...)
				data = data[:min(len(data), 300<<10)]
			}
			last++
			fixture.Must(t, w.Append(etcdlog.Entry{Term: term, Index: last, Data: data}))
		}
		fixture.Must(t, w.Close())
		for range 5 {
			if rnd.IntN(2) == 0 {
				at := rnd.Int64N(w.End())
				f := fixture.Edit(t, w.Path())
				f.Write(at, []byte{f.Read(at, 1)[0] ^ 1<<rnd.IntN(8)})
			}
			read := func(parts int) *segment {
				f, err := os.Open(w.Path())
				fixture.Must(t, err)
				defer f.Close()
				s := &segment{file: &openFile{f: f}}
				fixture.Must(t, s.readParts(w.End()+1000, parts))
				s.file = nil
				return s
			}
			whole := read(1)
			if f, err := os.Open(w.Path()); err == nil {
				if _, ok := guess(f, w.End()/2, w.End()); ok {
					guessed++
				}
				f.Close()
			}
			for _, parts := range []int{2, 3, 7} {
				s := read(parts)
				if got, want := describe(s), describe(whole); got != want {
					t.Fatalf("seed %d, %d parts:\n%s\nwant\n%s", seed, parts, got, want)
				}
			}
		}
		fixture.Must(t, os.RemoveAll(dir))
	}
	if guessed == 0 {
		t.Error("it is never known where a part begins")
	}
}

// describe tells all that was read of a segment.
func describe(s *segment) string {
	var rows []row
	for i := range s.n {
		rows = append(rows, *s.row(i))
	}
	return fmt.Sprintf("%v\n%v\n%v\n%v %v %v %v\n%+v %+v", rows, s.runs, s.snapshots, s.ids, s.hasState, s.first, s.last, s.ending, s.fault)
}
