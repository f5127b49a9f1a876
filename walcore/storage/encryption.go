package storage

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
	"github.com/walfs/walfs/walcore/vfs"
)

// newRegistryName is what a new KEYREGISTRY is called until it is complete. It
// is Badger's name for it, so that a Dgraph writes over what a crash has left.
const newRegistryName = "REWRITE-" + format.KeyRegistryName

// writeKeys gives the ciphers of files, old and new.
type writeKeys struct {
	key  []byte           // the user's; empty: new files are not encrypted
	keys *format.DataKeys // those in the sound part of KEYREGISTRY
	size int64            // of that part; 0: there is no KEYREGISTRY
	torn string           // what is wrong behind that part; "": nothing is there
	f    vfs.File         // KEYREGISTRY, once it is open for new data keys
	raw  []byte           // what KEYREGISTRY held, until the directory is open; nil: there is none
}

// readWriteKeys reads the directory's key registry and changes nothing. It
// fails with ErrKey, with ErrNoKey if there is a registry and no key, and with
// ErrDamaged.
func readWriteKeys(dir string, key []byte) (*writeKeys, error) {
	k := &writeKeys{key: key, keys: &format.DataKeys{}}
	raw, err := readRegistry(filepath.Join(dir, format.KeyRegistryName))
	if raw == nil || err != nil {
		return k, err
	}
	k.raw = raw
	registry := format.ParseRegistry(raw)
	switch {
	case len(raw) >= format.MaxRegistry:
		return nil, walcore.FileError(format.KeyRegistryName,
			fmt.Errorf("%d bytes or more are no key registry: %w", format.MaxRegistry, walcore.ErrDamaged))
	case registry.Sound == 0:
		return nil, walcore.FileError(format.KeyRegistryName, fmt.Errorf("%s: %w", registry.Problem, walcore.ErrDamaged))
	case len(key) == 0 && (registry.Encrypted() || len(registry.IDs) > 0 || registry.Problem != ""):
		return nil, fmt.Errorf("there is a %s: payloads are to be encrypted: %w", format.KeyRegistryName, walcore.ErrNoKey)
	}
	k.size, k.torn = int64(registry.Sound), registry.Problem
	if k.keys, err = registry.Open(key); err != nil {
		return nil, err
	}
	return k, nil
}

// readRegistry reads a key registry, if it is there, or as much of it as shows
// that it is none. It leaves no access time: a dry run has to leave no trace.
func readRegistry(name string) ([]byte, error) {
	f, err := platform.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, format.MaxRegistry))
}

// check says why a file with entries cannot be read with these keys, or cannot
// be followed by files that they encrypt.
func (k *writeKeys) check(h format.KeyHeader, plain bool) error {
	_, known := k.keys.Get(h.KeyID)
	switch {
	case h.KeyID == 0 && plain:
		return nil
	case h.KeyID == 0 && (k.size > 0 && len(k.key) > 0 || h.BaseIV != [8]byte{}):
		return fmt.Errorf("key id 0 in a directory with a "+format.KeyRegistryName+": the file is plain, or a rewrite has erased its key id: %w", walcore.ErrDataKey)
	case h.KeyID == 0 && len(k.key) > 0:
		return fmt.Errorf("the file is not encrypted, and a key was given: %w; leave it out, or allow plain files (Plain) to encrypt what comes", walcore.ErrKey)
	case h.KeyID == 0:
		return nil
	case h.BaseIV == [8]byte{}:
		return fmt.Errorf("key id %d and a base IV of zeros: it is erased: %w", h.KeyID, walcore.ErrDataKey)
	case known:
		_, err := k.keys.Cipher(h.KeyID)
		return err
	case k.torn != "":
		return fmt.Errorf("data key %d is not in the sound part of %s, which ends at %d: %s: %w; restore that file",
			h.KeyID, format.KeyRegistryName, k.size, k.torn, walcore.ErrDamaged)
	case len(k.key) == 0:
		return walcore.ErrNoKey
	}
	return fmt.Errorf("data key %d is not in %s: %w", h.KeyID, format.KeyRegistryName, walcore.ErrDataKey)
}

// openKeys opens the key registry for new data keys, if there is a key, and
// makes one if there is none.
//
// A crash can leave the record of a data key torn at the end. It is cut off: no
// log file uses that key, for its record is flushed before any does.
func (s *DiskStorage) openKeys() error {
	k := s.keys
	switch {
	case len(k.key) == 0:
		return nil
	case k.size == 0:
		return s.createRegistry()
	}
	var err error
	if k.f, err = s.dir.Open(format.KeyRegistryName); err != nil || k.torn == "" {
		return err
	}
	s.report(walcore.FileProblem(format.KeyRegistryName, walcore.KindKeyRegistry,
		k.torn+": cut off here, for no log file uses a key behind this place").At(uint64(k.size)))
	if err := k.f.Truncate(k.size); err != nil {
		return err
	}
	return s.count.flush(k.f.Sync)
}

// createRegistry makes a key registry without data keys.
//
// A crash leaves it or not, and whole. What is left under the other name is
// removed by the next call.
func (s *DiskStorage) createRegistry() error {
	var iv [aes.BlockSize]byte
	rand.Read(iv[:])
	raw, err := format.EncodeRegistry(s.keys.key, iv)
	if err != nil {
		return err
	}
	if s.keys.keys, err = format.ParseRegistry(raw).Open(s.keys.key); err != nil {
		return err
	}
	if err := s.dir.Remove(newRegistryName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := s.dir.Create(newRegistryName)
	if err != nil {
		return err
	}
	s.keys.f, s.keys.size = f, int64(len(raw))
	_, err = f.WriteAt(raw, 0)
	if err == nil {
		err = s.count.flush(f.Sync)
	}
	if err == nil {
		err = s.dir.Rename(newRegistryName, format.KeyRegistryName)
	}
	if err == nil {
		err = s.syncDir()
	}
	return err
}

// encrypting reports whether new files are encrypted.
func (k *writeKeys) encrypting() bool { return len(k.key) > 0 }

func (k *writeKeys) close() error {
	if k.f == nil {
		return nil
	}
	return k.f.Close()
}

// newFileKey gives the key header and the cipher of a new file: with the latest
// data key, or where that is too old, a new one. The caller poisons the storage
// if it fails.
func (s *DiskStorage) newFileKey() (h format.KeyHeader, c cipher.Block, err error) {
	k := s.keys
	if !k.encrypting() {
		return h, nil, nil
	}
	now := time.Now()
	dk, ok := k.keys.Latest(now)
	if !ok {
		if dk, err = s.addDataKey(now); err != nil {
			return h, nil, err
		}
	}
	h.KeyID = dk.ID
	rand.Read(h.BaseIV[:])
	c, err = k.keys.Cipher(dk.ID)
	return h, c, err
}

// addDataKey appends a new data key to the key registry, and flushes it: the
// files that will use it could never be read without.
//
// A crash leaves the record, a part of it, or none. Open cuts a part off.
func (s *DiskStorage) addDataKey(now time.Time) (format.DataKey, error) {
	k := s.keys
	dk, record, err := k.keys.Next(now, rand.Reader)
	if err != nil {
		return dk, err
	}
	size := k.size + int64(len(record))
	if size >= format.MaxRegistry {
		return dk, walcore.FileError(format.KeyRegistryName, fmt.Errorf(
			"another data key would make it %d bytes long, and it has to stay below %d; copy the log into a new directory", size, format.MaxRegistry))
	}
	_, err = k.f.WriteAt(record, k.size)
	if err == nil {
		err = s.count.flush(k.f.Sync)
	}
	if err != nil {
		return dk, walcore.FileError(format.KeyRegistryName, err).At(uint64(k.size))
	}
	k.keys.Add(dk)
	k.size = size
	return dk, nil
}

// old gives the cipher of a file that has passed check, nil for a plain one.
func (k *writeKeys) old(h format.KeyHeader) (cipher.Block, error) {
	if h.KeyID == 0 {
		return nil, nil
	}
	return k.keys.Cipher(h.KeyID)
}
