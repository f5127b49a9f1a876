package registry

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/walfs/walfs/walcore/format"
	"google.golang.org/protobuf/proto"
)

// latest gives the data key for a new file, in the way that a writer does. If it has
// to make one, it also gives the record that is to be appended.
func (r random) latest(t testing.TB, keys *format.DataKeys, now time.Time) (dk format.DataKey, record []byte) {
	t.Helper()
	dk, ok := keys.Latest(now)
	if ok {
		return dk, nil
	}
	dk, record, err := keys.Next(now, r.source)
	must(t, err)
	keys.Add(dk)
	return dk, record
}

// TestLatest makes registries with data keys about as old as the rotation. Badger must
// take the same data key for a new file as we do, or make a new one where we do.
func TestLatest(t *testing.T) {
	f, r := newFolder(t), newRandom(4)
	old, fresh := 0, 0
	for range 4000 {
		user := r.bytes([]int{16, 24, 32}[r.IntN(3)])
		raw := r.registry(t, user)
		f.write(t, raw)
		_, keys := parse(t, raw, user)
		if id := highest(format.ParseRegistry(raw).IDs); id == 1<<64-1 {
			continue // Badger's next id is 0, which means "not encrypted"
		}

		before, beforeOK := keys.Latest(time.Now())
		reg := f.badger(t, user)
		theirs, err := reg.LatestDataKey()
		must(t, err)
		_, afterOK := keys.Latest(time.Now())
		if beforeOK != afterOK {
			must(t, reg.Close())
			continue // it has become too old meanwhile
		}
		if beforeOK {
			old++
			if before.ID != theirs.KeyId || string(before.Data) != string(theirs.Data) {
				t.Fatalf("%x: data key %d, Badger's %d", raw, before.ID, theirs.KeyId)
			}
			must(t, reg.Close())
			continue
		}
		if theirs.KeyId == 0 {
			must(t, reg.Close())
			continue // the one data key is 0: Badger would use it
		}
		fresh++
		// Badger has made one. We would have made one of the same id and length.
		ours, record, err := keys.Next(time.Now(), r.source)
		must(t, err)
		if ours.ID != theirs.KeyId || len(ours.Data) != len(theirs.Data) {
			t.Fatalf("%x: data key %d of %d bytes, Badger's %d of %d", raw, ours.ID, len(ours.Data), theirs.KeyId, len(theirs.Data))
		}
		added := f.read(t)
		if len(added)-len(raw) != len(record) {
			t.Fatalf("%x: a record of %d bytes, Badger's has %d", raw, len(record), len(added)-len(raw))
		}
		_, keys = parse(t, added, user)
		sameKeys(t, []uint64{theirs.KeyId}, keys, reg)
		must(t, reg.Close())
	}
	if old < 500 || fresh < 500 {
		t.Errorf("%d times an old data key, %d times a new one: the test says little", old, fresh)
	}
}

func highest(ids []uint64) (id uint64) {
	for _, i := range ids {
		id = max(id, i)
	}
	return id
}

// TestTurns: Badger and we write to one registry in turn.
func TestTurns(t *testing.T) {
	f, r := newFolder(t), newRandom(5)
	for range 200 {
		user := r.bytes([]int{16, 24, 32}[r.IntN(3)])
		if r.IntN(2) == 0 {
			raw, err := format.EncodeRegistry(user, r.iv())
			must(t, err)
			f.write(t, raw)
		} else {
			must(t, os.RemoveAll(f.name()))
			must(t, f.badger(t, user).Close())
		}
		for turn := range 8 {
			if r.IntN(2) == 0 {
				f.ourTurn(t, r, user, turn)
			} else {
				f.badgersTurn(t, user)
			}
			raw := f.read(t)
			reg, keys := parse(t, raw, user)
			if len(reg.IDs) != turn+1 || highest(reg.IDs) != uint64(turn+1) {
				t.Fatalf("data keys %d after %d turns", reg.IDs, turn+1)
			}
			theirs := f.badger(t, user)
			sameKeys(t, reg.IDs, keys, theirs)
			must(t, theirs.Close())
			checkRecords(t, raw, user)
		}
	}
}

// ourTurn adds a data key, at a time at which those of earlier turns are too old. Then
// Badger must use it.
func (f folder) ourTurn(t testing.TB, r random, user []byte, turn int) {
	t.Helper()
	raw := f.read(t)
	_, keys := parse(t, raw, user)
	now := time.Now().Add(time.Duration(turn) * (format.KeyRotation + time.Hour))
	dk, record := r.latest(t, keys, now)
	f.write(t, append(raw, record...))
	reg := f.badger(t, user)
	theirs, err := reg.LatestDataKey()
	must(t, err)
	if theirs.KeyId != dk.ID || string(theirs.Data) != string(dk.Data) || len(record) == 0 {
		t.Fatalf("data key %d, Badger's %d", dk.ID, theirs.KeyId)
	}
	must(t, reg.Close())
}

// badgersTurn lets Badger add a data key. Then we must use it.
func (f folder) badgersTurn(t testing.TB, user []byte) {
	t.Helper()
	opts := f.options(user, false)
	opts.EncryptionKeyRotationDuration = -1 << 62 // none is young enough
	reg, err := badger.OpenKeyRegistry(opts)
	must(t, err)
	theirs, err := reg.LatestDataKey()
	must(t, err)
	must(t, reg.Close())
	_, keys := parse(t, f.read(t), user)
	dk, ok := keys.Latest(time.Now())
	if !ok || dk.ID != theirs.KeyId || string(dk.Data) != string(theirs.Data) {
		t.Fatalf("data key %d, Badger's %d", dk.ID, theirs.KeyId)
	}
}

// TestAnotherUserKey: when the user's key is changed, Badger writes the registry again,
// with its data keys in any order.
func TestAnotherUserKey(t *testing.T) {
	f, r := newFolder(t), newRandom(6)
	for range 1000 {
		user, next := r.userKey(), r.userKey()
		raw := r.registry(t, user)
		reg, _ := parse(t, raw, user)
		theirs, err := f.readWithBadger(t, raw, user)
		must(t, err)
		must(t, badger.WriteKeyRegistry(theirs, f.options(next, false)))
		_, keys := parse(t, f.read(t), next)
		sameKeys(t, reg.IDs, keys, theirs)
	}
	left, err := filepath.Glob(filepath.Join(string(f), "*"))
	must(t, err)
	if len(left) != 1 {
		t.Errorf("files %v", left)
	}
}

// TestRecordBytes: a record has the same bytes as the Protobuf library makes.
func TestRecordBytes(t *testing.T) {
	r := newRandom(7)
	for range 100_000 {
		dk := r.dataKey(nil, r.Uint64()>>1>>r.IntN(63))
		dk.Data = r.bytes([]int{0, 16, 24, 32, 5, 200}[r.IntN(6)])
		if r.IntN(8) == 0 {
			dk.ID = 0
		}
		if r.IntN(8) == 0 {
			dk.Created = time.Unix(0, 0)
		}
		body, err := proto.Marshal(&pb.DataKey{KeyId: dk.ID, Data: dk.Data, Iv: dk.IV[:], CreatedAt: dk.Created.Unix()})
		must(t, err)
		got, err := format.EncodeRecord(nil, dk)
		must(t, err)
		if want := record(body); string(got) != string(want) {
			t.Fatalf("%x, want %x", got, want)
		}
	}
}
