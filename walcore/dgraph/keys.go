package dgraph

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/dgraph-io/badger/v4"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/platform"
)

// ReadKeyFile reads a user's key. It fails with ErrKey when the file is not
// 16, 24 or 32 bytes long. It leaves no access time: the file may lie in the
// directory that is to be read.
func ReadKeyFile(name string) ([]byte, error) {
	f, err := platform.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	key, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, err
	}
	if len(key) == maxKeyFile {
		return nil, fmt.Errorf("key file %s is not a key: it has %d bytes or more, want 16, 24 or 32: %w", name, maxKeyFile, walcore.ErrKey)
	}
	return key, format.CheckKey("key file "+name, key)
}

// maxKeyFile is enough to tell a user how long a key that is too long is.
const maxKeyFile = 4096

// keyRing gives data keys by their id. One without a registry holds none.
type keyRing struct {
	// there says that there is a registry, whatever is left in it. It gets its
	// first record before any file uses it: one without has lost it.
	there  bool
	sealed error // why no data key can be had: ErrSealed, or the registry's damage
	reg    *badger.KeyRegistry

	problems []walcore.Problem

	mu     sync.Mutex // protects blocks
	blocks map[uint64]cipher.Block
}

// unreadableRing is that of a registry that is there and cannot be read: no
// file may pass for plain.
func unreadableRing() *keyRing {
	return &keyRing{there: true, sealed: fmt.Errorf("%s cannot be read: %w", format.KeyRegistryName, walcore.ErrDataKey)}
}

// openKeyRing reads a registry's bytes. Records behind the first bad one are
// left out and reported. It fails with ErrKey if key does not fit.
func openKeyRing(raw []byte, key []byte) (*keyRing, []walcore.Problem, error) {
	ring := &keyRing{there: true, blocks: map[uint64]cipher.Block{}}
	sound, _, problem := format.ScanRegistry(raw)
	var problems []walcore.Problem
	report := func(message string) {
		problems = append(problems, walcore.Problem{File: format.KeyRegistryName, Slot: -1,
			Offset: uint64(sound), Kind: walcore.KindKeyRegistry, Message: message})
	}
	if problem != "" {
		report(problem)
	}
	switch {
	case sound < format.RegistryHeader:
		ring.sealed = fmt.Errorf("%s: %s: %w", format.KeyRegistryName, problem, walcore.ErrDamaged)
		return ring, problems, nil
	case len(key) == 0 && string(raw[16:format.RegistryHeader]) != format.SanityText:
		ring.sealed = walcore.ErrSealed
		return ring, problems, nil
	}
	reg, err := openBadgerRegistry(raw[:sound], key)
	if errors.Is(err, badger.ErrEncryptionKeyMismatch) {
		return nil, problems, fmt.Errorf("the key does not open %s: %w; give the node's own with --key-file",
			format.KeyRegistryName, walcore.ErrKey)
	}
	if err != nil {
		report(fmt.Sprintf("Badger does not read it: %v", err))
		ring.sealed = fmt.Errorf("%s: %w: %w", format.KeyRegistryName, err, walcore.ErrDataKey)
		return ring, problems, nil
	}
	ring.reg = reg
	return ring, problems, nil
}

// openBadgerRegistry hands Badger a private copy: it opens its file by name
// and would leave an access time on the original.
func openBadgerRegistry(raw, key []byte) (*badger.KeyRegistry, error) {
	dir, err := os.MkdirTemp("", "walfs-registry-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, format.KeyRegistryName), raw, 0o600); err != nil {
		return nil, err
	}
	return badger.OpenKeyRegistry(badger.KeyRegistryOptions{
		Dir:           dir,
		ReadOnly:      true,
		EncryptionKey: key,
	})
}

// block returns the cipher of a data key. It fails with ErrSealed or
// ErrDataKey.
func (r *keyRing) block(id uint64) (cipher.Block, error) {
	if r.sealed != nil {
		return nil, r.sealed
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.blocks[id]; ok {
		return b, nil
	}
	if r.reg == nil {
		return nil, fmt.Errorf("data key %d: there is no %s: %w", id, format.KeyRegistryName, walcore.ErrDataKey)
	}
	dk, err := r.reg.DataKey(id)
	if err != nil {
		return nil, fmt.Errorf("data key %d is not in %s: %w", id, format.KeyRegistryName, walcore.ErrDataKey)
	}
	b, err := aes.NewCipher(dk.Data)
	if err != nil {
		return nil, fmt.Errorf("data key %d: %w: %w", id, err, walcore.ErrDataKey)
	}
	r.blocks[id] = b
	return b, nil
}
