package format_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"google.golang.org/protobuf/encoding/protowire"
)

var (
	key16 = []byte("0123456789abcdef")
	key24 = []byte("0123456789abcdef01234567")
	key32 = []byte("0123456789abcdef0123456789abcdef")
)

const fieldIV = 3

// numbers are 1, 2, 3 ...
func numbers(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i + 1)
	}
	return b
}

func someDataKey(id uint64, size int, created int64) format.DataKey {
	return format.DataKey{ID: id, Data: numbers(size), IV: [16]byte(numbers(16)), Created: time.Unix(created, 0)}
}

// registry encodes one with these data keys.
func registry(t testing.TB, key []byte, keys ...format.DataKey) []byte {
	t.Helper()
	raw, err := format.EncodeRegistry(key, [16]byte(numbers(16)))
	fixture.Must(t, err)
	for _, dk := range keys {
		record, err := format.EncodeRecord(key, dk)
		fixture.Must(t, err)
		raw = append(raw, record...)
	}
	return raw
}

// record makes one of any bytes, with the right checksum.
func record(body ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	return append(b, body...)
}

func open(t testing.TB, raw, key []byte) *format.DataKeys {
	t.Helper()
	reg := format.ParseRegistry(raw)
	if reg.Problem != "" || reg.Sound != len(raw) {
		t.Fatalf("%d bytes of %d are sound: %s", reg.Sound, len(raw), reg.Problem)
	}
	keys, err := reg.Open(key)
	fixture.Must(t, err)
	return keys
}

func TestCheckKey(t *testing.T) {
	sound := map[int]bool{16: true, 24: true, 32: true}
	for n := range 40 {
		err := format.CheckKey("the key", make([]byte, n))
		if sound[n] && err != nil || !sound[n] && !errors.Is(err, walcore.ErrKey) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	err := format.CheckKey("key file f", append(numbers(24), '\n'))
	if err == nil || !strings.Contains(err.Error(), "key file f has 25 bytes, want 16, 24 or 32; its last byte is a line end") {
		t.Error(err)
	}
}

// The bytes on disk, worked out with openssl.
func TestRegistryBytes(t *testing.T) {
	dk := someDataKey(300, 16, 1<<40)
	for _, test := range []struct {
		key  []byte
		dk   format.DataKey
		want string
	}{
		{nil, someDataKey(0, 0, 0), `
0102030405060708090a0b0c0d0e0f10 48656c6c6f20426164676572
00000012 54916fa1
1a 10 0102030405060708090a0b0c0d0e0f10`},
		{nil, dk, `
0102030405060708090a0b0c0d0e0f10 48656c6c6f20426164676572
0000002e 57db2396
08 ac02
12 10 0102030405060708090a0b0c0d0e0f10
1a 10 0102030405060708090a0b0c0d0e0f10
20 808080808020`},
		{key16, dk, `
0102030405060708090a0b0c0d0e0f10 a607ee69fed5cb216c5cf35f
0000002e 0338952d
08 ac02
12 10 ef60810194f38e4801319d21d4e370cf
1a 10 0102030405060708090a0b0c0d0e0f10
20 808080808020`},
	} {
		want, err := hex.DecodeString(strings.Join(strings.Fields(test.want), ""))
		fixture.Must(t, err)
		if got := registry(t, test.key, test.dk); !bytes.Equal(got, want) {
			t.Errorf("key %q:\n%x, want\n%x", test.key, got, want)
		}
		got, ok := open(t, want, test.key).Get(test.dk.ID)
		if ok != (test.dk.ID > 0) || ok && !reflect.DeepEqual(got, dk) {
			t.Errorf("key %q: %v, want %v", test.key, got, dk)
		}
	}
}

func TestRegistryRoundTrip(t *testing.T) {
	for _, key := range [][]byte{nil, key16, key24, key32} {
		raw := registry(t, key)
		want := map[uint64]format.DataKey{}
		for i, id := range []uint64{1, 7, 3, math.MaxUint64, 7} {
			dk := someDataKey(id, []int{16, 24, 32, 0, 5}[i], []int64{0, -1, 5, math.MaxInt64, math.MinInt64}[i])
			record, err := format.EncodeRecord(key, dk)
			fixture.Must(t, err)
			raw = append(raw, record...)
			want[id] = dk // the last of an id counts
		}
		reg := format.ParseRegistry(raw)
		if got := fmt.Sprint(reg.IDs); got != "[1 7 3 18446744073709551615 7]" {
			t.Errorf("ids %s", got)
		}
		if reg.Encrypted() != (key != nil) {
			t.Errorf("key %q: encrypted %v", key, reg.Encrypted())
		}
		keys := open(t, raw, key)
		for id, dk := range want {
			got, ok := keys.Get(id)
			if !ok || got.ID != id || !bytes.Equal(got.Data, dk.Data) || got.IV != dk.IV || got.Created.Unix() != dk.Created.Unix() {
				t.Errorf("key %q: %v, want %v", key, got, dk)
			}
		}
		for _, id := range []uint64{0, 2, 8} {
			if _, ok := keys.Get(id); ok {
				t.Errorf("there is a data key %d", id)
			}
		}
	}
	for _, key := range [][]byte{numbers(1), numbers(15), numbers(33)} {
		if _, err := format.EncodeRegistry(key, [16]byte{}); !errors.Is(err, walcore.ErrKey) {
			t.Errorf("a registry of a key of %d bytes: %v", len(key), err)
		}
		if _, err := format.EncodeRecord(key, format.DataKey{}); !errors.Is(err, walcore.ErrKey) {
			t.Errorf("a record of a key of %d bytes: %v", len(key), err)
		}
	}
}

func TestOpenRegistry(t *testing.T) {
	plain, encrypted := registry(t, nil, someDataKey(1, 16, 1)), registry(t, key16, someDataKey(1, 16, 1))
	for _, test := range []struct {
		name     string
		raw, key []byte
		want     error
		message  string
	}{
		{"no bytes", nil, key16, walcore.ErrDamaged, "KEYREGISTRY: 0 bytes, want at least 28: cut short; copy the file again: damaged"},
		{"cut header", plain[:27], nil, walcore.ErrDamaged, "27 bytes"},
		{"no data keys", encrypted[:28], key16, nil, ""},
		{"plain", plain, nil, nil, ""},
		{"key for a plain one", plain, key16, walcore.ErrKey, "the key does not open KEYREGISTRY: wrong key; give the node's own"},
		{"no key", encrypted, nil, walcore.ErrNoKey, ""},
		{"empty key", encrypted, []byte{}, walcore.ErrNoKey, ""},
		{"other key", encrypted, []byte("fedcba9876543210"), walcore.ErrKey, "the key does not open"},
		{"longer key", encrypted, key24, walcore.ErrKey, "the key does not open"},
		{"key with a line end", encrypted, append(key16[:16:16], '\n'), walcore.ErrKey, "17 bytes, want 16, 24 or 32; its last byte"},
		{"zeros", make([]byte, 28), key16, walcore.ErrKey, "the key does not open"},
	} {
		keys, err := format.ParseRegistry(test.raw).Open(test.key)
		if !errors.Is(err, test.want) || (err == nil) != (keys != nil) || err != nil && !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: %v, %v", test.name, keys, err)
		}
	}
}

// Whatever is behind the sound part, that part is read.
func TestDamagedRegistry(t *testing.T) {
	first := registry(t, key16, someDataKey(1, 16, 1))
	second, err := format.EncodeRecord(key16, someDataKey(2, 16, 2))
	fixture.Must(t, err)
	flipped := bytes.Clone(second)
	flipped[len(flipped)-1] ^= 1
	iv := append([]byte{fieldIV<<3 | 2, 16}, numbers(16)...)
	for _, test := range []struct {
		name   string
		behind []byte
		want   string
	}{
		{"cut record header", second[:7], "7 bytes behind the last record: cut short"},
		{"cut record", second[:len(second)-1], fmt.Sprintf("a record claims %d bytes, %d are left", len(second)-8, len(second)-9)},
		{"long claim", append([]byte{0xff, 0xff, 0xff, 0xff}, second[4:]...), "a record claims 4294967295 bytes"},
		{"flipped bit", flipped, "a record's checksum is"},
		{"zeros", make([]byte, 50), "a record of 0 bytes has an IV of 0, want 16"},
		{"short IV", record(fieldIV<<3|2, 2, 1, 2), "a record of 4 bytes has an IV of 2, want 16"},
		{"long IV", record(append([]byte{fieldIV<<3 | 2, 17}, numbers(17)...)...), "has an IV of 17"},
		{"IV of another type", record(fieldIV<<3, 16), "an IV of 0"},
		{"second IV is short", record(append(iv, fieldIV<<3|2, 0)...), "an IV of 0"},
		{"field 0", record(append(iv, 0, 0)...), "a record does not parse"},
		{"field too high", record(append(iv, protowire.AppendTag(nil, 1<<29, 0)...)...), "its field number 536870912 is out of range"},
		{"end of a group that has not begun", record(append(iv, 9<<3|4)...), "a record does not parse"},
		{"reserved type", record(append(iv, 9<<3|7)...), "a record does not parse"},
		{"bytes cut short", record(append(iv, 2<<3|2, 3, 1)...), "a record does not parse: unexpected EOF"},
		{"a varint of 11 bytes", record(append(iv, append([]byte{1 << 3}, bytes.Repeat([]byte{0x80}, 11)...)...)...), "a record does not parse"},
	} {
		raw := append(bytes.Clone(first), test.behind...)
		reg := format.ParseRegistry(raw)
		if reg.Sound != len(first) || fmt.Sprint(reg.IDs) != "[1]" {
			t.Errorf("%s: %d bytes are sound, want %d, ids %d", test.name, reg.Sound, len(first), reg.IDs)
		}
		if !strings.Contains(reg.Problem, test.want) {
			t.Errorf("%s: %q, want %q", test.name, reg.Problem, test.want)
		}
		keys, err := reg.Open(key16)
		fixture.Must(t, err)
		if _, err := keys.Cipher(1); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	reg := format.ParseRegistry(append(append(first, flipped...), second...))
	if reg.Sound != len(first) || reg.Problem == "" {
		t.Errorf("%d bytes are sound before a bad record, want %d: %s", reg.Sound, len(first), reg.Problem)
	}
}

// A data key's message may hold more than a writer puts there.
func TestUnusualDataKey(t *testing.T) {
	iv := append([]byte{fieldIV<<3 | 2, 16}, numbers(16)...)
	for _, test := range []struct {
		name    string
		body    []byte // behind the IV
		id      uint64
		data    string
		created int64
	}{
		{"id alone", []byte{1 << 3, 5}, 5, "", 0},
		{"last id counts", []byte{1 << 3, 4, 1 << 3, 5}, 5, "", 0},
		{"last id is zero", []byte{1 << 3, 4, 1 << 3, 0}, 0, "", 0},
		{"id in more bytes than it needs", []byte{1 << 3, 0x85, 0x80, 0}, 5, "", 0},
		{"tag in more bytes than it needs", []byte{1<<3 | 0x80, 0, 5}, 5, "", 0},
		{"other order", []byte{4 << 3, 9, 2<<3 | 2, 2, 'a', 'b', 1 << 3, 5}, 5, "ab", 9},
		{"key and time twice", []byte{1 << 3, 5, 2<<3 | 2, 1, 'a', 4 << 3, 8, 2<<3 | 2, 1, 'b', 4 << 3, 9}, 5, "b", 9},
		{"unknown fields", []byte{9 << 3, 1, 10<<3 | 2, 1, 0, 11<<3 | 5, 1, 2, 3, 4, 12<<3 | 1, 1, 2, 3, 4, 5, 6, 7, 8, 1 << 3, 5}, 5, "", 0},
		{"unknown group", []byte{9<<3 | 3, 1 << 3, 7, 9<<3 | 4, 1 << 3, 5}, 5, "", 0},
		{"id of other types", []byte{1 << 3, 5, 1<<3 | 2, 1, 7, 1<<3 | 5, 1, 2, 3, 4}, 5, "", 0},
		{"key of other types", []byte{1 << 3, 5, 2<<3 | 2, 1, 'a', 2 << 3, 7, 2<<3 | 5, 1, 2, 3, 4}, 5, "a", 0},
		{"IV of other types", []byte{1 << 3, 5, 3 << 3, 7, 3<<3 | 5, 1, 2, 3, 4}, 5, "", 0},
		{"time of other types", []byte{1 << 3, 5, 4 << 3, 9, 4<<3 | 2, 1, 7, 4<<3 | 5, 1, 2, 3, 4}, 5, "", 9},
	} {
		raw := append(registry(t, nil), record(append(iv[:18:18], test.body...)...)...)
		dk, ok := open(t, raw, nil).Get(test.id)
		if ok != (test.id > 0) || dk.ID != test.id || string(dk.Data) != test.data || ok && dk.Created.Unix() != test.created {
			t.Errorf("%s: %v", test.name, dk)
		}
	}
}

// FuzzRegistry reads any bytes with a key and without, and behind them a record
// of any body: what is sound can be read again, and appended to.
func FuzzRegistry(f *testing.F) {
	seeds := 0
	for _, name := range fixture.Small {
		if key := fixture.Key(name); key != nil {
			raw, err := os.ReadFile(filepath.Join(fixture.Dir(f, name), format.KeyRegistryName))
			fixture.Must(f, err)
			f.Add(raw, key, []byte{})
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatal("no fixture has a registry")
	}
	group := append([]byte{9<<3 | 3, 1 << 3, 7, 9<<3 | 4, fieldIV<<3 | 2, 16}, numbers(16)...)
	for _, key := range [][]byte{{}, key16, key24, key32} {
		f.Add(registry(f, key), key, group)
		f.Add(registry(f, key, someDataKey(1, len(key), 1), someDataKey(2, 16, time.Now().Unix()), someDataKey(1, 5, -1)), key, []byte{})
	}
	f.Fuzz(func(t *testing.T, raw, key, body []byte) {
		if len(body) > 0 {
			raw = append(raw, record(body...)...)
		}
		reg := format.ParseRegistry(raw)
		if (reg.Problem == "") != (reg.Sound == len(raw) && len(raw) > 0) || reg.Sound > len(raw) {
			t.Fatalf("%d bytes of %d are sound: %s", reg.Sound, len(raw), reg.Problem)
		}
		keys, err := reg.Open(key)
		if err != nil {
			if !errors.Is(err, walcore.ErrKey) && !errors.Is(err, walcore.ErrNoKey) && !errors.Is(err, walcore.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		for _, id := range reg.IDs {
			if dk, ok := keys.Get(id); !ok || dk.ID != id {
				t.Fatalf("data key %d: %v, %v", id, dk, ok)
			}
			if _, err := keys.Cipher(id); err != nil && !errors.Is(err, walcore.ErrDataKey) {
				t.Fatal(err)
			}
		}
		now := time.Now()
		keys.Latest(now)
		dk, more, err := keys.Next(now, rand.NewChaCha8([32]byte{}))
		if err != nil {
			if !errors.Is(err, walcore.ErrKey) && !errors.Is(err, walcore.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		got, ok := open(t, append(raw[:reg.Sound:reg.Sound], more...), key).Get(dk.ID)
		if !ok || !reflect.DeepEqual(got, dk) {
			t.Fatalf("%v, want %v", got, dk)
		}
	})
}
