package walcore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// keyRotation is how long a data key is used for new files.
const keyRotation = 10 * 24 * time.Hour

// writeKeys gives the ciphers of files, old and new.
type writeKeys struct {
	reg     *badger.KeyRegistry // nil: new files are plain
	hadKeys bool                // there was a registry of data keys before
}

// openWriteKeys opens the directory's key registry, and makes one if there is
// a key and no registry. It fails with ErrKey, with ErrSealed if there is a
// registry and no key, and with ErrDamaged.
//
// Badger writes the registry: a new one under another name and renamed, a new
// data key at its end, flushed before any file uses it. A crash can leave the
// record of a data key cut short at the end; Open says so and changes nothing.
func openWriteKeys(dir string, key []byte) (*writeKeys, error) {
	k := &writeKeys{}
	raw, err := os.ReadFile(filepath.Join(dir, KeyRegistryName))
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(key) == 0:
		return k, nil
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		sound, records, problem := scanRegistry(raw)
		if problem != "" {
			return nil, &Error{File: KeyRegistryName, Slot: -1, Offset: uint64(sound),
				Err: fmt.Errorf("%s: %w; if no log file uses a key behind this place, cut the file here", problem, ErrDamaged)}
		}
		if len(key) == 0 {
			if records == 0 && string(raw[aes.BlockSize:registryHeader]) == sanityText {
				return k, nil
			}
			return nil, fmt.Errorf("there is a %s: payloads are to be encrypted: %w", KeyRegistryName, ErrSealed)
		}
		k.hadKeys = true
	}
	k.reg, err = badger.OpenKeyRegistry(badger.KeyRegistryOptions{
		Dir: dir, EncryptionKey: key, EncryptionKeyRotationDuration: keyRotation})
	if errors.Is(err, badger.ErrEncryptionKeyMismatch) {
		return nil, fmt.Errorf("the key does not open %s: %w; give the node's own", KeyRegistryName, ErrKey)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", KeyRegistryName, err)
	}
	return k, nil
}

// sealing reports whether new files are encrypted.
func (k *writeKeys) sealing() bool { return k.reg != nil }

func (k *writeKeys) close() error {
	if k.reg == nil {
		return nil
	}
	return k.reg.Close()
}

// fresh gives the key header and the cipher of a new file.
func (k *writeKeys) fresh() (h KeyHeader, seal cipher.Block, err error) {
	if k.reg == nil {
		return h, nil, nil
	}
	dk, err := k.reg.LatestDataKey()
	if err != nil {
		return h, nil, fmt.Errorf("%s: %w", KeyRegistryName, err)
	}
	h.KeyID = dk.KeyId
	rand.Read(h.BaseIV[:])
	seal, err = aes.NewCipher(dk.Data)
	return h, seal, err
}

// old gives the cipher of a file that is there, nil for a plain one.
func (k *writeKeys) old(h KeyHeader, plain bool) (cipher.Block, error) {
	switch {
	case h.KeyID == 0 && (plain || !k.hadKeys && h.BaseIV == [8]byte{}):
		return nil, nil
	case h.KeyID == 0:
		return nil, fmt.Errorf("key id 0 in a directory with a "+KeyRegistryName+": the file is plain, or a rewrite has erased its key id: %w", ErrDataKey)
	case k.reg == nil:
		return nil, ErrSealed
	}
	dk, err := k.reg.DataKey(h.KeyID)
	if err != nil {
		return nil, fmt.Errorf("data key %d is not in %s: %w", h.KeyID, KeyRegistryName, ErrDataKey)
	}
	return aes.NewCipher(dk.Data)
}
