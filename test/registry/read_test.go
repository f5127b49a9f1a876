package registry

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"google.golang.org/protobuf/proto"
)

// TestFixtures reads the registries that a Dgraph wrote.
func TestFixtures(t *testing.T) {
	f, n := newFolder(t), 0
	for _, name := range fixture.All() {
		key := fixture.Key(name)
		if key == nil {
			continue
		}
		n++
		raw, err := os.ReadFile(filepath.Join(fixture.Dir(t, name), format.KeyRegistryName))
		must(t, err)
		reg, keys := parse(t, raw, key)
		theirs, err := f.readWithBadger(t, raw, key)
		must(t, err)
		if len(reg.IDs) == 0 {
			t.Errorf("%s has no data key", name)
		}
		sameKeys(t, reg.IDs, keys, theirs)
		checkRecords(t, raw, key)
		for _, wrong := range [][]byte{[]byte("fedcba9876543210"), []byte("fedcba9876543210fedcba9876543210"), nil} {
			checkDamaged(t, f, raw, wrong)
		}
		for cut := range len(raw) {
			checkDamaged(t, f, raw[:cut], key)
		}
	}
	if n == 0 {
		t.Fatal("no fixture has a registry")
	}
}

// checkRecords encodes a registry's records again, which must give the same bytes.
func checkRecords(t testing.TB, raw, user []byte) {
	t.Helper()
	_, keys := parse(t, raw, user)
	encoded, err := format.EncodeRegistry(user, [16]byte(raw))
	must(t, err)
	for rest := raw[format.RegistryHeaderSize:]; len(rest) > 0; {
		size := format.RecordHeaderSize + int(binary.BigEndian.Uint32(rest))
		var m pb.DataKey
		must(t, proto.Unmarshal(rest[format.RecordHeaderSize:size], &m))
		dk, _ := keys.Get(m.KeyId)
		b, err := format.EncodeRecord(user, dk)
		must(t, err)
		encoded, rest = append(encoded, b...), rest[size:]
	}
	if string(encoded) != string(raw) {
		t.Fatalf("%x, Badger's %x", encoded, raw)
	}
}

// TestRandomRegistries reads ten thousand registries with all sorts of data keys.
func TestRandomRegistries(t *testing.T) {
	f, r := newFolder(t), newRandom(1)
	for range 10_000 {
		user := r.userKey()
		raw := r.registry(t, user)
		reg, keys := parse(t, raw, user)
		theirs, err := f.readWithBadger(t, raw, user)
		must(t, err)
		sameKeys(t, reg.IDs, keys, theirs)
		if wrong := r.userKey(); string(wrong) != string(user) {
			checkDamaged(t, f, raw, wrong)
		}
	}
}

// TestRandomMessages decodes messages with any bytes, as a data key and with the
// Protobuf library: both must accept the same ones, and read the same values.
func TestRandomMessages(t *testing.T) {
	r := newRandom(2)
	header, err := format.EncodeRegistry(nil, [16]byte{})
	must(t, err)
	sound, refused := 0, 0
	for range 300_000 {
		body := r.message()
		var want pb.DataKey
		err := proto.Unmarshal(body, &want)
		reg := format.ParseRegistry(append(header[:len(header):len(header)], record(body)...))
		if ok := err == nil && len(want.Iv) == 16; ok != (reg.Problem == "") {
			t.Fatalf("%x: %q, Protobuf says %v, IV %x", body, reg.Problem, err, want.Iv)
		}
		if reg.Problem != "" {
			refused++
			continue
		}
		sound++
		keys, err := reg.Open(nil)
		must(t, err)
		dk, ok := keys.Get(want.KeyId)
		if ok != (want.KeyId != 0) || ok && (dk.ID != want.KeyId || string(dk.Data) != string(want.Data) ||
			string(dk.IV[:]) != string(want.Iv) || dk.Created.Unix() != want.CreatedAt) {
			t.Fatalf("%x: %v, want %v", body, dk, &want)
		}
	}
	if sound < 10_000 || refused < 10_000 {
		t.Errorf("%d messages are sound, %d are not: the test says little", sound, refused)
	}
}

// message makes a data key's message, with its fields in any order and of any type,
// some of them unknown. Many messages are damaged.
func (r random) message() (b []byte) {
	if r.IntN(2) == 0 {
		b = r.field(b, 3, 2)
	}
	for range r.IntN(6) {
		field, kind := r.Uint64N(6), r.Uint64N(8)
		switch r.IntN(12) {
		case 0:
			field = r.Uint64() >> r.IntN(64)
		case 1, 2, 3, 4, 5, 6:
			field = r.Uint64N(4) + 1
			kind = []uint64{0, 0, 2, 2, 0}[field]
		}
		b = r.field(b, field, kind)
	}
	if r.IntN(3) == 0 {
		b = r.field(b, 3, 2)
	}
	if r.IntN(4) == 0 && len(b) > 0 {
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	}
	if r.IntN(8) == 0 {
		b = b[:r.IntN(len(b)+1)]
	}
	return b
}

func (r random) field(b []byte, field, kind uint64) []byte {
	b = r.varint(b, field<<3|kind)
	switch kind {
	case 0:
		return r.varint(b, r.Uint64()>>r.IntN(64))
	case 1:
		return append(b, r.bytes(8)...)
	case 2:
		n := 16
		if r.IntN(6) == 0 {
			n = r.IntN(40)
		}
		return append(r.varint(b, uint64(n)), r.bytes(n)...)
	case 3:
		b = r.field(b, r.Uint64N(20), []uint64{0, 1, 2, 5}[r.IntN(4)])
		return r.varint(b, field<<3|4)
	case 5:
		return append(b, r.bytes(4)...)
	}
	return b
}

// varint sometimes uses more bytes than are needed.
func (r random) varint(b []byte, v uint64) []byte {
	b = binary.AppendUvarint(b, v)
	for r.IntN(12) == 0 {
		b[len(b)-1] |= 0x80
		b = append(b, 0)
	}
	return b
}

// checkDamaged opens any bytes with any key. From those that are sound Badger must read
// the same data keys. For the rest there must be a problem.
func checkDamaged(t testing.TB, f folder, raw, user []byte) {
	t.Helper()
	reg := format.ParseRegistry(raw)
	keys, err := reg.Open(user)
	if reg.Sound == 0 {
		if !errors.Is(err, walcore.ErrDamaged) || reg.Problem == "" {
			t.Fatalf("%x: %v, %q", raw, err, reg.Problem)
		}
		return
	}
	if reg.Sound < len(raw) && reg.Problem == "" {
		t.Fatalf("%x: %d bytes are sound, and nothing is wrong", raw, reg.Sound)
	}
	theirs, want := f.readWithBadger(t, raw[:reg.Sound], user)
	if errors.Is(want, badger.ErrEncryptionKeyMismatch) {
		noKey := len(user) == 0 && errors.Is(err, walcore.ErrNoKey)
		if !noKey && !errors.Is(err, walcore.ErrKey) {
			t.Fatalf("%x: %v, Badger's %v", raw, err, want)
		}
		return
	}
	if err != nil || want != nil {
		t.Fatalf("%x: %v, Badger's %v", raw, err, want)
	}
	sameKeys(t, reg.IDs, keys, theirs)
}

// harm changes a registry as a disk or a crash does.
func (r random) harm(raw []byte) []byte {
	switch at := r.IntN(len(raw) + 1); r.IntN(6) {
	case 0:
		return raw[:at]
	case 1:
		return append(raw, make([]byte, r.IntN(100))...)
	case 2:
		return append(raw[:at], r.bytes(r.IntN(100))...)
	case 3: // a part is zeros
		clear(raw[at:min(len(raw), at+r.IntN(40))])
	case 4: // a part is there twice
		return append(raw, raw[min(at, format.RegistryHeaderSize):]...)
	default:
		for range 1 + r.IntN(3) {
			raw[r.IntN(len(raw))] ^= 1 << r.IntN(8)
		}
	}
	return raw
}

func TestDamaged(t *testing.T) {
	f, r := newFolder(t), newRandom(3)
	silent := 0
	for range 10_000 {
		user := r.userKey()
		raw := r.harm(r.registry(t, user))
		checkDamaged(t, f, raw, user)
		if !claimsLittle(raw) {
			continue
		}
		// If there is no problem, Badger must read the same from all the bytes.
		reg := format.ParseRegistry(raw)
		theirs, err := f.readWithBadger(t, raw, user)
		if err != nil || reg.Problem != "" {
			continue
		}
		silent++
		keys, err := reg.Open(user)
		must(t, err)
		sameKeys(t, reg.IDs, keys, theirs)
	}
	if silent == 0 {
		t.Error("no registry was left sound")
	}
}

// claimsLittle reports whether no record makes Badger allocate much memory, for Badger
// trusts the length that a record claims. Where a record's header is cut short, Badger
// takes the missing bytes from the header before it; so does this.
func claimsLittle(raw []byte) bool {
	var header [format.RecordHeaderSize]byte
	for at := format.RegistryHeaderSize; at < len(raw); {
		at += copy(header[:], raw[at:])
		n := binary.BigEndian.Uint32(header[:])
		if n > format.MaxRegistry {
			return false
		}
		at += int(n)
	}
	return true
}
