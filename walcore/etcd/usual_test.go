package etcd

import (
	"bytes"
	"os"
	"testing"

	"github.com/walfs/walfs/test/etcdlog"
	"github.com/walfs/walfs/test/fixture"
)

// TestUsual: nearly all records of a real log have the form that is taken apart fast. What is
// taken so, of these and of all that differ from them by a byte or are cut, is what a record of
// any form says.
func TestUsual(t *testing.T) {
	b := fixture.ReadFile(t, segmentFiles(t, fixture.Dir(t, "etcd-small"))[0])
	records, entries, usual := 0, 0, 0
	for at := int64(0); ; {
		n, padding := frameSize(b[at:])
		if n == 0 {
			break
		}
		record := bytes.Clone(b[at+frameHeader:][:n])
		r, _ := parseRecord(record)
		if records++; r.typ == recordEntry {
			entries++
		}
		if usualIsRight(t, record) {
			usual++
		}
		for k := range record {
			for _, c := range []byte{1, 0x80, 0xff, 1 << 3, 2 << 3} {
				record[k] ^= c
				usualIsRight(t, record)
				record[k] ^= c
			}
			usualIsRight(t, record[:k])
		}
		at += frameHeader + n + padding
	}
	if entries == records || usual < entries*9/10 || usual > entries {
		t.Errorf("%d of %d entries, of %d records, have the usual form", usual, entries, records)
	}
}

func usualIsRight(t *testing.T, b []byte) bool {
	t.Helper()
	sum, data, ok := usualRecord(b)
	if !ok {
		return false
	}
	if r, ok := parseRecord(b); !ok || r.typ != recordEntry || r.sum != sum || !bytes.Equal(r.data, data) {
		t.Errorf("%x: sum %08x of %x, want %+v", b, sum, data, r)
	}
	e, size, ok := usualEntry(data)
	if !ok {
		return false
	}
	if want, ok := parseEntry(data); !ok || want.entryID != e || len(want.data) != int(size) {
		t.Errorf("%x: %+v of %d bytes, want %+v", b, e, size, want)
	}
	return true
}

// TestReadUsual: frames are taken that begin before the end of a part, and none before the sum is
// known that the file goes on from.
func TestReadUsual(t *testing.T) {
	dir, w := write(t, 4, 100, etcdlog.Options{SegmentSize: 64 << 10})
	b := fixture.ReadFile(t, w.Path())
	whole := open(t, dir).log.files[0]
	entry := func(slot int) int64 { return int64(whole.row(slot).frame) * frameUnit }
	begin := ending{end: entry(0), sum: whole.row(0).before}
	for _, test := range []struct {
		begun bool
		to    int64
		want  int
	}{
		{true, int64(len(b)), 4},
		{true, entry(2), 2},
		{true, entry(2) + 1, 3},
		{true, entry(0), 0},
		{false, int64(len(b)), 0},
	} {
		s := &segment{begun: test.begun, ending: begin}
		s.readUsual(b[begin.end:], test.to)
		if s.n != test.want || s.n > 0 && (*s.row(s.n - 1) != *whole.row(s.n - 1) || s.sum != s.row(s.n-1).after) {
			t.Errorf("%+v: %d, %+v", test, s.n, s.ending)
		}
	}
}

// TestReadFramesUpTo: a part is read up to where the next one begins, whatever record that is.
// Else they would not be joined.
func TestReadFramesUpTo(t *testing.T) {
	_, w := write(t, 300, 10, etcdlog.Options{SegmentSize: 64 << 10})
	b := fixture.ReadFile(t, w.Path())
	f, err := os.Open(w.Path())
	fixture.Must(t, err)
	defer f.Close()
	frames := 0
	for to := int64(0); to < w.End(); frames++ {
		s := &segment{file: &openFile{f: f}}
		if err := s.readFrames(int64(len(b)), to); err != nil || s.fault != nil || s.end != to {
			t.Fatalf("up to %d, want %d: %v, %v", s.end, to, err, s.fault)
		}
		n, padding := frameSize(b[to:])
		to += frameHeader + n + padding
	}
	if frames < 300 {
		t.Errorf("%d frames", frames)
	}
}
