package registry

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/walfs/walfs/walcore/format"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// random gives the same numbers in each run.
type random struct {
	*rand.Rand
	source *rand.ChaCha8
}

func newRandom(seed byte) random {
	source := rand.NewChaCha8([32]byte{seed})
	return random{rand.New(source), source}
}

func (r random) bytes(n int) []byte {
	b := make([]byte, n)
	r.source.Read(b)
	return b
}

func (r random) iv() [16]byte { return [16]byte(r.bytes(16)) }

// userKey makes a key of one of the lengths of AES, or none.
func (r random) userKey() []byte {
	return r.bytes([]int{0, 16, 24, 32}[r.IntN(4)])
}

const rotation = int64(format.KeyRotation / time.Second)

// dataKey makes a data key. Most have an id and a length as a writer makes them, and
// many are about as old as the rotation.
func (r random) dataKey(user []byte, highest uint64) format.DataKey {
	dk := format.DataKey{ID: highest + 1, Data: r.bytes(len(user)), IV: r.iv()}
	switch r.IntN(10) {
	case 0:
		dk.ID = r.Uint64() >> r.IntN(64)
	case 1:
		dk.ID = r.Uint64N(highest + 1)
	case 2:
		dk.Data = r.bytes(r.IntN(40))
	}
	now := time.Now().Unix()
	created := now - r.Int64N(2*rotation)
	switch r.IntN(8) {
	case 0:
		created = now - rotation + r.Int64N(5) - 2
	case 1:
		created = now - rotation + r.Int64N(7200) - 3600
	case 2:
		created = int64(r.Uint64()) >> r.IntN(64)
	case 3: // about the last that time.Time can hold
		created = math.MaxInt64 - r.Int64N(1<<37)
	}
	dk.Created = time.Unix(created, 0)
	return dk
}

// registry makes a registry with up to five data keys.
func (r random) registry(t testing.TB, user []byte) (raw []byte) {
	t.Helper()
	raw, err := format.EncodeRegistry(user, r.iv())
	must(t, err)
	highest := uint64(0)
	for range r.IntN(6) {
		dk := r.dataKey(user, highest)
		record, err := format.EncodeRecord(user, dk)
		must(t, err)
		raw, highest = append(raw, record...), max(highest, dk.ID)
	}
	return raw
}

// folder is the folder of a registry. Badger opens a registry by its name.
type folder string

// newFolder makes a folder, in memory if there is /dev/shm: tests write tens of
// thousands of registries.
func newFolder(t testing.TB) folder {
	t.Helper()
	if st, err := os.Stat("/dev/shm"); err != nil || !st.IsDir() {
		return folder(t.TempDir())
	}
	dir, err := os.MkdirTemp("/dev/shm", "walfs-registry-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return folder(dir)
}

func (f folder) name() string { return filepath.Join(string(f), format.KeyRegistryName) }

func (f folder) write(t testing.TB, raw []byte) {
	t.Helper()
	must(t, os.WriteFile(f.name(), raw, 0o600))
}

func (f folder) read(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile(f.name())
	must(t, err)
	return raw
}

func (f folder) options(user []byte, readOnly bool) badger.KeyRegistryOptions {
	return badger.KeyRegistryOptions{Dir: string(f), ReadOnly: readOnly, EncryptionKey: user,
		EncryptionKeyRotationDuration: format.KeyRotation}
}

// badger opens the registry to write to it, and makes it if there is none.
func (f folder) badger(t testing.TB, user []byte) *badger.KeyRegistry {
	t.Helper()
	reg, err := badger.OpenKeyRegistry(f.options(user, false))
	must(t, err)
	return reg
}

// readWithBadger gives what Badger reads from any bytes, which may make it panic.
func (f folder) readWithBadger(t testing.TB, raw, user []byte) (reg *badger.KeyRegistry, err error) {
	t.Helper()
	f.write(t, raw)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("Badger panics: %v", p)
		}
	}()
	return badger.OpenKeyRegistry(f.options(user, true))
}

// sameKeys compares each data key, and some that are not there, with Badger's.
func sameKeys(t testing.TB, ids []uint64, ours *format.DataKeys, theirs *badger.KeyRegistry) {
	t.Helper()
	for _, id := range ids {
		for _, id := range []uint64{id - 1, id, id + 1} {
			if id == 0 {
				continue // "not encrypted"
			}
			dk, ok := ours.Get(id)
			want, err := theirs.DataKey(id)
			if ok != (err == nil) {
				t.Fatalf("data key %d: there is one %v, Badger's %v", id, ok, err)
			}
			if ok && (dk.ID != want.KeyId || !bytes.Equal(dk.Data, want.Data) || !bytes.Equal(dk.IV[:], want.Iv) ||
				dk.Created.Unix() != want.CreatedAt) {
				t.Fatalf("data key %d: %v, Badger's %v", id, dk, want)
			}
		}
	}
}

// parse reads a registry that must be sound.
func parse(t testing.TB, raw, user []byte) (*format.Registry, *format.DataKeys) {
	t.Helper()
	reg := format.ParseRegistry(raw)
	if reg.Problem != "" || reg.Sound != len(raw) {
		t.Fatalf("%d bytes of %d are sound: %s", reg.Sound, len(raw), reg.Problem)
	}
	keys, err := reg.Open(user)
	must(t, err)
	return reg, keys
}

// record makes a record of any bytes, with their checksum.
func record(body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	return append(b, body...)
}
