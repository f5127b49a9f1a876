package walcore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"go.etcd.io/raft/v3/raftpb"
)

func TestDecodeSlot(t *testing.T) {
	b, err := hex.DecodeString("0102030405060708" + "1112131415161718" + "2122232425262728" + "deadbeef00000002" + "ff")
	must(t, err)
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
	must(t, err)
	h := DecodeKeyHeader(b)
	if want := (KeyHeader{KeyID: 0x102, BaseIV: [8]byte{0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8}}); h != want {
		t.Errorf("got %+v, want %+v", h, want)
	}
	iv := h.iv(0x0000000000100000)
	if got := hex.EncodeToString(iv[:]); got != "a1a2a3a4a5a6a7a80000000000100000" {
		t.Errorf("IV: got %s", got)
	}
}

func TestFileName(t *testing.T) {
	for _, test := range []struct {
		name string
		id   uint64
	}{
		{"00001.wal", 1}, {"00042.wal", 42}, {"99999.wal", 99999}, {"100000.wal", 100000}, {"281474976710655.wal", MaxNumber},
	} {
		if id, ok := ParseFileName(test.name); !ok || id != test.id || FileName(id) != test.name {
			t.Errorf("%s: got %d, %t", test.name, id, ok)
		}
	}
	for _, name := range []string{"", ".wal", "1.wal", "7.wal", "0001.wal", "00000.wal", "000001.wal", "old.wal", "00001.WAL", "00001.wal ",
		" 00001.wal", "00001.wal.tmp", "00001wal", "00001xwal", "+0001.wal", "-0001.wal", "0x001.wal", "1_000.wal", "٠٠٠٠١.wal",
		"00001.wal\n", "a/00001.wal", "281474976710656.wal", "99999999999999999999999999.wal", "wal.meta"} {
		if id, ok := ParseFileName(name); ok {
			t.Errorf("%q is taken for file %d", name, id)
		}
	}
}

// TestUnsealAnyPart compares parts with the whole payload's stream, with
// counters that carry from the low half of the IV to the high one and around.
func TestUnsealAnyPart(t *testing.T) {
	block, err := aes.NewCipher([]byte("0123456789abcdef"))
	must(t, err)
	sealed := make([]byte, 200)
	for i := range sealed {
		sealed[i] = byte(i * 7)
	}
	for _, half := range [][2]uint64{{0, 0}, {1, PayloadAt}, {7, math.MaxUint64}, {7, math.MaxUint64 - 5}, {math.MaxUint64, math.MaxUint64 - 3}} {
		var iv [16]byte
		binary.BigEndian.PutUint64(iv[:], half[0])
		binary.BigEndian.PutUint64(iv[8:], half[1])
		want := make([]byte, len(sealed))
		cipher.NewCTR(block, iv[:]).XORKeyStream(want, sealed)
		for at := range sealed {
			for n := range len(sealed) - at + 1 {
				got := bytes.Clone(sealed[at : at+n])
				unseal(block, iv, got, int64(at))
				if !bytes.Equal(got, want[at:at+n]) {
					t.Fatalf("IV %x: %d bytes at %d are wrong", iv, n, at)
				}
			}
		}
	}
}

func TestProblemsOfNeighboursAreOne(t *testing.T) {
	var l problemList
	for slot := 5; slot < 9; slot++ {
		l.slot("f", slot, Slot{Index: uint64(slot + 1), Offset: 100}, KindOrder, "bad")
	}
	l.slot("f", 9, Slot{Index: 10}, KindOffset, "another kind")
	l.slot("f", 11, Slot{Index: 12}, KindOffset, "not a neighbour")
	l.add(Problem{File: "f", Slot: -1, Kind: KindOffset, Message: "no slot"})
	l.slot("f", 0, Slot{}, KindOffset, "slot 0 does not follow slot -1")
	l.slot("g", 1, Slot{}, KindOffset, "another file")
	want := []Problem{
		{File: "f", Slot: 5, Slots: 4, Offset: 100, Index: 6, Kind: KindOrder, Message: "bad; the same holds for the slots after it, up to 8"},
		{File: "f", Slot: 9, Index: 10, Kind: KindOffset, Message: "another kind"},
		{File: "f", Slot: 11, Index: 12, Kind: KindOffset, Message: "not a neighbour"},
		{File: "f", Slot: -1, Kind: KindOffset, Message: "no slot"},
		{File: "f", Slot: 0, Kind: KindOffset, Message: "slot 0 does not follow slot -1"},
		{File: "g", Slot: 1, Kind: KindOffset, Message: "another file"},
	}
	got := l.all()
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d: got %+v, want %+v", i, got[i], want[i])
		}
	}
	if again := l.all(); again[0] != want[0] {
		t.Errorf("the second time: %+v", again[0])
	}
}

func TestProblemsAreBounded(t *testing.T) {
	var l problemList
	for slot := range 3 * maxProblems {
		l.slot("f", 2*slot, Slot{Index: 1}, KindOrder, "bad")
	}
	got := l.all()
	if len(got) != maxProblems+1 {
		t.Fatalf("%d problems, want %d", len(got), maxProblems+1)
	}
	last := got[maxProblems]
	if last.File != "f" || last.Slot != -1 || last.Kind != KindOrder || last.Message != "and 2000 more problems in this file" {
		t.Errorf("the last is %+v", last)
	}
	var none problemList
	if got := none.all(); len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
}

func TestProblemSaysWhere(t *testing.T) {
	for _, test := range []struct {
		problem Problem
		want    string
	}{
		{Problem{File: "00001.wal", Slot: 0, Offset: 1048576, Index: 1, Kind: KindLength, Message: "too long"},
			"00001.wal slot 0 offset 1048576 index 1: length: too long"},
		{Problem{File: "wal.meta", Slot: -1, Kind: KindMeta, Message: "is missing"}, "wal.meta: meta: is missing"},
		{Problem{File: "00001.wal", Slot: -1, Offset: KeyHeaderAt, Kind: KindNoKey, Message: "sealed"}, "00001.wal offset 1048560: no_key: sealed"},
		{Problem{File: "00001.wal", Slot: 449, Index: 450, Kind: KindOffset, Message: "too low"}, "00001.wal slot 449 offset 0 index 450: offset: too low"},
		{Problem{File: "00001.wal", Slot: -1, Kind: KindOffset, Message: "and 7 more"}, "00001.wal: offset: and 7 more"},
	} {
		if got := test.problem.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

// TestProblemFields: in JSON a problem has the fields that users are promised,
// however many slots it is about, and its message names what is wrong.
func TestProblemFields(t *testing.T) {
	d := damage(t, "alpha")
	d.Set(100, fixture.Offset, 0)
	d.Set(101, fixture.Offset, 0)
	got, err := json.Marshal(d.open().Problems())
	must(t, err)
	const want = `[{"file":"00001.wal","slot":100,"offset":0,"index":101,"kind":"offset",` +
		`"message":"the data offset 0 is not between 1048576 and the file's end at 268435456; the same holds for the slots after it, up to 101"}]`
	if string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestErrorSaysWhere(t *testing.T) {
	d := damage(t, "alpha")
	d.Set(100, 16, 0)
	r := d.open()
	for index, want := range map[uint64]string{
		101: "00001.wal slot 100 index 101: damaged",
		976: "entry 976: no such entry; the log holds 1 to 975",
	} {
		if _, err := r.Log().Entry(index); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("entry %d: got %v, want %s", index, err, want)
		}
	}
}
