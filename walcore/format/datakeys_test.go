package format_test

import (
	"github.com/walfs/walfs/test/fixture"

	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// now has parts of a second, which a data key's time has not.
var now = time.Unix(1_800_000_000, 999_999_999)

const rotation = int64(format.KeyRotation / time.Second)

// ago is in seconds, as a data key has it.
func ago(seconds int64) int64 { return now.Unix() - seconds }

func TestLatest(t *testing.T) {
	for _, test := range []struct {
		name string
		keys []format.DataKey
		want uint64 // 0: none
	}{
		{"no data key", nil, 0},
		{"new", []format.DataKey{someDataKey(1, 16, ago(0))}, 1},
		{"a second too young", []format.DataKey{someDataKey(1, 16, ago(rotation-1))}, 1},
		{"old enough", []format.DataKey{someDataKey(1, 16, ago(rotation))}, 0},
		{"of the future", []format.DataKey{someDataKey(1, 16, ago(-1e9))}, 1},
		{"of a time that is too late for time.Time", []format.DataKey{someDataKey(1, 16, math.MaxInt64)}, 0},
		{"one of them is of such a time", []format.DataKey{someDataKey(1, 16, ago(1)), someDataKey(2, 16, math.MaxInt64)}, 0},
		{"without a time", []format.DataKey{someDataKey(1, 16, 0)}, 0},
		{"before 1970", []format.DataKey{someDataKey(1, 16, -5)}, 0},
		{"the highest id counts", []format.DataKey{someDataKey(2, 16, ago(9)), someDataKey(5, 16, ago(7)), someDataKey(3, 16, ago(5))}, 5},
		{"the highest is old, another is not", []format.DataKey{someDataKey(2, 16, ago(9)), someDataKey(5, 16, ago(rotation))}, 5},
		{"an old record of an id that comes twice", []format.DataKey{someDataKey(1, 16, ago(1)), someDataKey(1, 16, ago(rotation))}, 1},
		{"id 0 alone", []format.DataKey{someDataKey(0, 16, ago(1))}, 0},
		{"another length", []format.DataKey{someDataKey(1, 5, ago(1))}, 1},
	} {
		dk, ok := open(t, registry(t, key16, test.keys...), key16).Latest(now)
		if ok != (test.want > 0) || dk.ID != test.want {
			t.Errorf("%s: %v, %v, want %d", test.name, dk.ID, ok, test.want)
		}
		if _, ok := open(t, registry(t, nil, test.keys...), nil).Latest(now); ok {
			t.Errorf("%s: a registry without a user's key has a latest data key", test.name)
		}
	}
}

// To the nanosecond: a data key is not young any more when it is as old as that.
func TestLatestAtRotation(t *testing.T) {
	keys := open(t, registry(t, key16, someDataKey(1, 16, 1000)), key16)
	old := time.Unix(1000, 0).Add(format.KeyRotation)
	if _, ok := keys.Latest(old); ok {
		t.Error("it is used when it is old")
	}
	if _, ok := keys.Latest(old.Add(-1)); !ok {
		t.Error("it is not used before it is old")
	}
}

func TestNext(t *testing.T) {
	random := numbers(48)
	for _, key := range [][]byte{key16, key24, key32} {
		raw := registry(t, key)
		keys := open(t, raw, key)
		for id := uint64(1); id <= 3; id++ {
			dk, record, err := keys.Next(now, bytes.NewReader(random))
			fixture.Must(t, err)
			want := format.DataKey{ID: id, Data: random[:len(key)], IV: [16]byte(random[len(key):]), Created: time.Unix(now.Unix(), 0)}
			if !reflect.DeepEqual(dk, want) {
				t.Fatalf("%v, want %v", dk, want)
			}
			if _, ok := keys.Get(id); ok {
				t.Fatal("it is there before it was added")
			}
			keys.Add(dk)
			raw = append(raw, record...)
			for _, k := range []*format.DataKeys{keys, open(t, raw, key)} {
				if got, ok := k.Latest(now); !ok || !reflect.DeepEqual(got, want) {
					t.Fatalf("%v, want %v", got, want)
				}
			}
		}
	}
}

// The time of an added data key counts, whatever was in the registry.
func TestAddAfterImpossibleTime(t *testing.T) {
	keys := open(t, registry(t, key16, someDataKey(1, 16, math.MaxInt64)), key16)
	dk, _, err := keys.Next(now, rand.NewChaCha8([32]byte{}))
	fixture.Must(t, err)
	keys.Add(dk)
	if got, ok := keys.Latest(now); !ok || got.ID != 2 {
		t.Errorf("data key %d, %v, want 2", got.ID, ok)
	}
}

func TestNextFails(t *testing.T) {
	last := registry(t, key16, someDataKey(math.MaxUint64, 16, 1))
	if _, _, err := open(t, last, key16).Next(now, rand.NewChaCha8([32]byte{})); !errors.Is(err, walcore.ErrDamaged) {
		t.Errorf("after the highest id: %v", err)
	}
	if _, _, err := open(t, registry(t, nil), nil).Next(now, rand.NewChaCha8([32]byte{})); !errors.Is(err, walcore.ErrKey) {
		t.Errorf("without a user's key: %v", err)
	}
	keys := open(t, registry(t, key16), key16)
	for n := range 32 {
		random := io.MultiReader(bytes.NewReader(make([]byte, n)), iotest.ErrReader(io.ErrNoProgress))
		if dk, record, err := keys.Next(now, random); !errors.Is(err, io.ErrNoProgress) || dk.ID != 0 || record != nil {
			t.Errorf("%d random bytes: %v, %v", n, dk, err)
		}
	}
}

func TestCipher(t *testing.T) {
	keys := open(t, registry(t, key32, someDataKey(1, 16, 1), someDataKey(2, 24, 1), someDataKey(3, 32, 1),
		someDataKey(4, 0, 1), someDataKey(5, 33, 1)), key32)
	for id := uint64(1); id <= 3; id++ {
		if b, err := keys.Cipher(id); err != nil || b.BlockSize() != 16 {
			t.Errorf("data key %d: %v", id, err)
		}
	}
	for id, want := range map[uint64]string{
		0: "data key 0 is not in KEYREGISTRY: data key missing",
		4: "data key 4 in KEYREGISTRY has 0 bytes, want 16, 24 or 32: data key missing",
		5: "has 33 bytes",
		6: "data key 6 is not in KEYREGISTRY",
	} {
		if _, err := keys.Cipher(id); !errors.Is(err, walcore.ErrDataKey) || !strings.Contains(err.Error(), want) {
			t.Errorf("data key %d: %v, want %q", id, err, want)
		}
	}
}
