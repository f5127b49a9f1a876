package etcd

import (
	"bytes"
	"testing"

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
