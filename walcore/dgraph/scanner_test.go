package dgraph

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// Testwalcore.ScannerAgreesWithReadAt: in turn, backwards and with leaps, and for
// payloads larger than the window.
func TestScannerAgreesWithReadAt(t *testing.T) {
	for _, name := range fixture.All() {
		if name == "bigdata" {
			continue // 320 MiB; the large payloads are below
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := open(t, fixture.Dir(t, name), fixture.Key(name))
			var entries []walcore.Entry
			for e := range r.Entries(0) {
				entries = append(entries, e)
			}
			var s walcore.Scanner
			check := func(e walcore.Entry) {
				t.Helper()
				want, wantErr := e.Data()
				got, err := s.Data(&e)
				if !bytes.Equal(got, want) || err != nil || wantErr != nil {
					t.Fatalf("entry %d: %d bytes (%v), want %d (%v)", e.Index, len(got), err, len(want), wantErr)
				}
			}
			for _, e := range entries {
				check(e)
				check(e) // unsealing must not be done twice to the same bytes
			}
			for i := len(entries) - 1; i >= 0; i -= 7 {
				check(entries[i])
			}
		})
	}
}

// Testwalcore.ScannerFindsWhatChanged: a payload is never given for another entry's.
func TestScannerFindsWhatChanged(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	file := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	r := open(t, dir, nil)
	var s walcore.Scanner
	read := func(index uint64) error {
		t.Helper()
		e, err := r.Entry(index)
		if err != nil {
			t.Fatal(err)
		}
		data, err := s.Data(&e)
		if err == nil && int64(len(data)) != e.Size {
			t.Errorf("entry %d: %d bytes, want %d", index, len(data), e.Size)
		}
		return err
	}
	if err := read(1); err != nil { // from here on the lengths are known
		t.Fatal(err)
	}
	s = walcore.Scanner{}
	file.Set(99, fixture.Term, 1) // entry 100, before its window is read
	file.SetLength(100, 1)
	for _, test := range []struct {
		index uint64
		want  error
	}{{99, nil}, {100, walcore.ErrChanged}, {101, walcore.ErrChanged}, {102, nil}} {
		if err := read(test.index); !errors.Is(err, test.want) {
			t.Errorf("entry %d: %v, want %v", test.index, err, test.want)
		}
	}
	if err := os.Truncate(file.Path, int64(file.Get(499, fixture.Offset))+2); err != nil {
		t.Fatal(err)
	}
	s = walcore.Scanner{}
	if err := read(499); err != nil {
		t.Errorf("the last entry before the cut: %v", err)
	}
	if err := read(500); !errors.Is(err, walcore.ErrChanged) {
		t.Errorf("the entry at the cut: %v, want %v", err, walcore.ErrChanged)
	}
}

func TestScannerLargePayload(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	file := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	last := file.Slots() - 1
	want := bytes.Repeat([]byte("large"), maxScan)
	file.SetLength(last, uint32(len(want)))
	file.Write(int64(file.Get(last, fixture.Offset))+format.LengthSize, want)
	r := open(t, dir, nil)
	var s walcore.Scanner
	for e := range r.Entries(uint64(last - 3)) {
		data, err := s.Data(&e)
		if err != nil || int64(len(data)) != e.Size {
			t.Fatalf("entry %d: %d bytes, want %d (%v)", e.Index, len(data), e.Size, err)
		}
		if e.Slot == last && !bytes.Equal(data, want) {
			t.Error("the large payload differs")
		}
	}
}

func TestGap(t *testing.T) {
	dir := fixture.Dir(t, "alpha") // 1 to 975
	file := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	for _, slot := range []int{0, 99, 100, 974} {
		file.Set(slot, fixture.Offset, 4)
	}
	log := open(t, dir, nil).log
	for _, test := range []struct {
		first, last uint64
		lost        bool
	}{
		{0, 1, true}, {1, 1, true}, {0, 0, false}, {5, 4, false},
		{100, 101, true}, {100, 100, true},
		{975, 975, true}, {975, 1 << 60, true}, {976, 1 << 60, false},
	} {
		err := log.Gap(test.first, test.last)
		if got := errors.Is(err, walcore.ErrDamaged); got != test.lost || (err != nil) != got {
			t.Errorf("%d to %d: %v, want lost %v", test.first, test.last, err, test.lost)
		}
	}
}
