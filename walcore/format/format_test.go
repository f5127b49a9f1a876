package format

import (
	"encoding/hex"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"

	"go.etcd.io/raft/v3/raftpb"
)

func TestDecodeSlot(t *testing.T) {
	b, err := hex.DecodeString("0102030405060708" + "1112131415161718" + "2122232425262728" + "deadbeef00000002" + "ff")
	fixture.Must(t, err)
	want := Slot{Term: 0x0102030405060708, Index: 0x1112131415161718, Offset: 0x2122232425262728,
		Type: raftpb.EntryType_EntryConfChangeV2, Sum: 0xdeadbeef}
	if got := DecodeSlot(b); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := DecodeSlot(make([]byte, SlotSize)); got != (Slot{}) {
		t.Errorf("zeros: got %+v", got)
	}
}

func TestDecodeKeyHeader(t *testing.T) {
	b, err := hex.DecodeString("0000000000000102" + "a1a2a3a4a5a6a7a8" + "ff")
	fixture.Must(t, err)
	h := DecodeKeyHeader(b)
	if want := (KeyHeader{KeyID: 0x102, BaseIV: [8]byte{0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8}}); h != want {
		t.Errorf("got %+v, want %+v", h, want)
	}
	iv := h.IV(0x0000000000100000)
	if got := hex.EncodeToString(iv[:]); got != "a1a2a3a4a5a6a7a80000000000100000" {
		t.Errorf("IV: got %s", got)
	}
}

func TestFileName(t *testing.T) {
	for _, test := range []struct {
		name string
		id   uint64
	}{
		{"00001.wal", 1}, {"00042.wal", 42}, {"99999.wal", 99999}, {"100000.wal", 100000}, {"17592186044415.wal", walcore.MaxNumber},
	} {
		if id, ok := ParseFileName(test.name); !ok || id != test.id || FileName(id) != test.name {
			t.Errorf("%s: got %d, %t", test.name, id, ok)
		}
	}
	for _, name := range []string{"", ".wal", "1.wal", "7.wal", "0001.wal", "00000.wal", "000001.wal", "old.wal", "00001.WAL", "00001.wal ",
		" 00001.wal", "00001.wal.tmp", "00001wal", "00001xwal", "+0001.wal", "-0001.wal", "0x001.wal", "1_000.wal", "٠٠٠٠١.wal",
		"00001.wal\n", "a/00001.wal", "17592186044416.wal", "99999999999999999999999999.wal", "wal.meta"} {
		if id, ok := ParseFileName(name); ok {
			t.Errorf("%q is taken for file %d", name, id)
		}
	}
}
