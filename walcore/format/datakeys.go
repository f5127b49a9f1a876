package format

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/walfs/walfs/walcore"
)

// KeyRotation is how long a data key is used for new files.
const KeyRotation = 10 * 24 * time.Hour

// DataKeys are the data keys of an opened registry. The zero value has none. Any
// number of goroutines may use them at once, but for Add.
//
// A writer takes [DataKeys.Latest] for a new file. If there is none, it makes one
// with [DataKeys.Next], appends its record to KEYREGISTRY and flushes that before
// it calls [DataKeys.Add] and uses the key: else a crash leaves a file that
// nobody can read. A record that could not be appended as a whole has to be cut
// off again, since what stands behind a bad record is not read.
type DataKeys struct {
	user    userKey
	byID    map[uint64]DataKey
	highest uint64    // id
	created time.Time // of the newest, which need not be that of the highest id
}

// Get gives the data key with an id. There is none with id 0.
func (k *DataKeys) Get(id uint64) (DataKey, bool) {
	dk, ok := k.byID[id]
	return dk, ok
}

// Cipher gives the cipher of the data key with an id. It fails with
// [walcore.ErrDataKey] if there is none, or if its length is not that of a key.
func (k *DataKeys) Cipher(id uint64) (cipher.Block, error) {
	dk, ok := k.byID[id]
	if !ok {
		return nil, fmt.Errorf("data key %d is not in %s: %w", id, KeyRegistryName, walcore.ErrDataKey)
	}
	block, err := aes.NewCipher(dk.Data)
	if err != nil {
		return nil, fmt.Errorf("data key %d in %s has %d bytes, want 16, 24 or 32: %w",
			id, KeyRegistryName, len(dk.Data), walcore.ErrDataKey)
	}
	return block, nil
}

// Latest gives the data key for a new file: that with the highest id, if the
// newest is younger than KeyRotation. A registry without a user's key has none.
func (k *DataKeys) Latest(now time.Time) (DataKey, bool) {
	if k.user.size == 0 || now.Sub(k.created) >= KeyRotation {
		return DataKey{}, false
	}
	return k.Get(k.highest)
}

// Next makes the data key that follows the highest id, out of random bytes, and
// the record that is to be appended to the registry. It changes nothing: see
// [DataKeys] for the steps of a writer.
//
// It fails with [walcore.ErrKey] in a registry without a user's key, and with
// [walcore.ErrDamaged] where there is no higher id.
func (k *DataKeys) Next(now time.Time, random io.Reader) (dk DataKey, record []byte, err error) {
	if k.user.size == 0 {
		return dk, nil, fmt.Errorf("%s is not encrypted, and takes no data key: %w; give the node's own key",
			KeyRegistryName, walcore.ErrKey)
	}
	if k.highest == math.MaxUint64 {
		return dk, nil, fmt.Errorf("%s has a data key with the highest id there is, %d: %w; restore that file",
			KeyRegistryName, k.highest, walcore.ErrDamaged)
	}
	dk = DataKey{ID: k.highest + 1, Data: make([]byte, k.user.size), Created: time.Unix(now.Unix(), 0)}
	for _, b := range [][]byte{dk.Data, dk.IV[:]} {
		if _, err := io.ReadFull(random, b); err != nil {
			return DataKey{}, nil, fmt.Errorf("random bytes for a data key: %w", err)
		}
	}
	return dk, k.user.record(dk), nil
}

// Add adds the data key that Next has made, once its record is in the registry.
func (k *DataKeys) Add(dk DataKey) {
	k.read(dk)
	k.created = dk.Created
}

// read adds a data key of the registry. One with id 0, which no writer makes,
// counts for the age of the newest alone: a file that names it is not encrypted.
func (k *DataKeys) read(dk DataKey) {
	if dk.Created.Unix() > k.created.Unix() {
		k.created = dk.Created
	}
	if dk.ID == 0 {
		return
	}
	k.highest = max(k.highest, dk.ID)
	k.byID[dk.ID] = dk
}
