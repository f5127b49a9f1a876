package storage

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
	"golang.org/x/sys/unix"
)

// keyRotation is how long a data key is used for new files.
const keyRotation = 10 * 24 * time.Hour

// writeKeys gives the ciphers of files, old and new.
type writeKeys struct {
	key  []byte              // the user's; empty: new files are plain
	raw  []byte              // KEYREGISTRY as far as it is sound; nil: there is none
	ids  []uint64            // of the data keys in it
	torn string              // what is wrong behind it; "": nothing is there
	reg  *badger.KeyRegistry // once it is open for new data keys
}

// readWriteKeys reads the directory's key registry and changes nothing. It
// fails with ErrKey, with ErrSealed if there is a registry and no key, and with
// ErrDamaged.
func readWriteKeys(dir string, key []byte) (*writeKeys, error) {
	k := &writeKeys{key: key}
	raw, err := readRegistry(filepath.Join(dir, format.KeyRegistryName))
	if raw == nil || err != nil {
		return k, err
	}
	sound, ids, problem := format.ScanRegistry(raw)
	if len(raw) >= format.MaxRegistry {
		sound, problem = 0, fmt.Sprintf("%d bytes or more are no key registry", format.MaxRegistry)
	}
	if sound < format.RegistryHeader {
		return nil, &walcore.Error{File: format.KeyRegistryName, Slot: -1, Err: fmt.Errorf("%s: %w", problem, walcore.ErrDamaged)}
	}
	k.raw, k.ids, k.torn = raw[:sound], ids, problem
	text := bytes.Clone(raw[aes.BlockSize:format.RegistryHeader])
	if len(key) > 0 {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		format.Decrypt(block, [aes.BlockSize]byte(raw), text, 0)
	}
	switch fits := string(text) == format.SanityText; {
	case len(key) == 0 && (!fits || len(ids) > 0 || problem != ""):
		return nil, fmt.Errorf("there is a %s: payloads are to be encrypted: %w", format.KeyRegistryName, walcore.ErrSealed)
	case !fits:
		return nil, fmt.Errorf("the key does not open %s: %w; give the node's own", format.KeyRegistryName, walcore.ErrKey)
	}
	return k, nil
}

// readRegistry reads a key registry, if it is there, or as much of it as shows
// that it is none. It leaves no access time: a dry run has to leave no trace.
func readRegistry(name string) ([]byte, error) {
	f, err := platform.OpenReadOnly(unix.AT_FDCWD, name, 0)
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
// be followed by those that they seal.
func (k *writeKeys) check(h format.KeyHeader, plain bool) error {
	switch {
	case h.KeyID == 0 && plain, slices.Contains(k.ids, h.KeyID):
		return nil
	case h.KeyID == 0 && (k.raw != nil && len(k.key) > 0 || h.BaseIV != [8]byte{}):
		return fmt.Errorf("key id 0 in a directory with a "+format.KeyRegistryName+": the file is plain, or a rewrite has erased its key id: %w", walcore.ErrDataKey)
	case h.KeyID == 0 && len(k.key) > 0:
		return fmt.Errorf("the file is not encrypted, and a key was given: %w; leave it out, or allow plain files (Plain) to encrypt what comes", walcore.ErrKey)
	case h.KeyID == 0:
		return nil
	case k.torn != "":
		return fmt.Errorf("data key %d is not in the sound part of %s, which ends at %d: %s: %w; restore that file",
			h.KeyID, format.KeyRegistryName, len(k.raw), k.torn, walcore.ErrDamaged)
	case len(k.key) == 0:
		return walcore.ErrSealed
	}
	return fmt.Errorf("data key %d is not in %s: %w", h.KeyID, format.KeyRegistryName, walcore.ErrDataKey)
}

// openKeys opens the key registry for new data keys, if there is a key, and
// makes one if there is none. No log file uses what it cuts off.
//
// Badger writes it: a new one under another name and renamed, a new data key at
// its end, flushed before any file uses it. A crash can leave the record of a
// data key torn at the end; Open cuts that off.
func (s *DiskStorage) openKeys() error {
	k := s.keys
	if k.torn != "" {
		if err := s.cutRegistry(); err != nil {
			return err
		}
	}
	if len(k.key) == 0 {
		return nil
	}
	dir := s.path
	if s.opts.DryRun {
		var err error
		if dir, err = scratchRegistry(k.raw); err != nil {
			return err
		}
		defer os.RemoveAll(dir) // Badger has it open, and may go on writing to it
	}
	var err error
	k.reg, err = badger.OpenKeyRegistry(badger.KeyRegistryOptions{
		Dir: dir, EncryptionKey: k.key, EncryptionKeyRotationDuration: keyRotation})
	if err != nil {
		return fmt.Errorf("%s: %w", format.KeyRegistryName, err)
	}
	return nil
}

// cutRegistry cuts off what is behind the registry's last sound record.
func (s *DiskStorage) cutRegistry() error {
	sound := int64(len(s.keys.raw))
	s.report(walcore.Problem{File: format.KeyRegistryName, Slot: -1, Offset: uint64(sound), Kind: walcore.KindKeyRegistry,
		Message: s.keys.torn + ": cut off here, for no log file uses a key behind this place"})
	f, err := s.dir.Open(format.KeyRegistryName)
	if err != nil {
		return err
	}
	if err = f.Truncate(sound); err == nil {
		err = s.count.flush(f.Sync)
	}
	return errors.Join(err, f.Close())
}

// encrypting reports whether new files are encrypted.
func (k *writeKeys) encrypting() bool { return k.reg != nil }

func (k *writeKeys) close() error {
	if k.reg == nil {
		return nil
	}
	return k.reg.Close()
}

// fresh gives the key header and the cipher of a new file.
func (k *writeKeys) fresh() (h format.KeyHeader, seal cipher.Block, err error) {
	if k.reg == nil {
		return h, nil, nil
	}
	dk, err := k.reg.LatestDataKey()
	if err != nil {
		return h, nil, fmt.Errorf("%s: %w", format.KeyRegistryName, err)
	}
	h.KeyID = dk.KeyId
	rand.Read(h.BaseIV[:])
	seal, err = aes.NewCipher(dk.Data)
	return h, seal, err
}

// old gives the cipher of a file that has passed check, nil for a plain one.
func (k *writeKeys) old(h format.KeyHeader) (cipher.Block, error) {
	if h.KeyID == 0 {
		return nil, nil
	}
	dk, err := k.reg.DataKey(h.KeyID)
	if err != nil {
		return nil, fmt.Errorf("data key %d: %w: %w", h.KeyID, err, walcore.ErrDataKey)
	}
	return aes.NewCipher(dk.Data)
}
