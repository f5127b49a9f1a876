package dgraph

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"sync"

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
	return ReadKey(f, "key file "+name)
}

// ReadKey reads a user's key as ReadKeyFile does. what names its source in errors.
func ReadKey(r io.Reader, what string) ([]byte, error) {
	key, err := io.ReadAll(io.LimitReader(r, maxKeyFile))
	if err != nil {
		return nil, err
	}
	if len(key) == maxKeyFile {
		return nil, fmt.Errorf("%s is not a key: it has %d bytes or more, want 16, 24 or 32: %w", what, maxKeyFile, walcore.ErrKey)
	}
	return key, format.CheckKey(what, key)
}

// maxKeyFile is enough to tell a user how long a key that is too long is.
const maxKeyFile = 4096

// keyRing gives the ciphers of data keys by their id. One without a registry
// gives none.
type keyRing struct {
	// there says that there is a registry, whatever is left in it. It gets its
	// first record before any file uses it: one without has lost it.
	there bool
	// unreadable says that it could not be read, which may work next time.
	unreadable bool
	err        error            // why no data key can be had: ErrNoKey, or what is wrong with the registry
	keys       *format.DataKeys // nil: there is no registry, or err says why

	problems []walcore.Problem

	mu      sync.Mutex // protects ciphers
	ciphers map[uint64]cipher.Block
}

// unreadableRing is that of a registry that is there and cannot be read: no
// file may pass for plain.
func unreadableRing() *keyRing {
	return &keyRing{there: true, unreadable: true, err: fmt.Errorf("%s cannot be read: %w", format.KeyRegistryName, walcore.ErrDataKey)}
}

// openKeyRing reads a registry's bytes. Records behind the first bad one are
// left out and reported. It fails with ErrKey if key does not fit.
func openKeyRing(raw []byte, key []byte) (*keyRing, []walcore.Problem, error) {
	registry := format.ParseRegistry(raw)
	var problems []walcore.Problem
	if registry.Problem != "" {
		problems = []walcore.Problem{walcore.FileProblem(format.KeyRegistryName, walcore.KindKeyRegistry, registry.Problem).At(uint64(registry.Sound))}
	}
	keys, err := registry.Open(key)
	if errors.Is(err, walcore.ErrKey) {
		return nil, problems, fmt.Errorf("the key does not open %s: %w; give the node's own with --key-file",
			format.KeyRegistryName, walcore.ErrKey)
	}
	return &keyRing{there: true, err: err, keys: keys, ciphers: map[uint64]cipher.Block{}}, problems, nil
}

// block returns the cipher of a data key. It fails with ErrNoKey, ErrDataKey
// or ErrDamaged.
func (r *keyRing) block(id uint64) (cipher.Block, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.keys == nil {
		return nil, fmt.Errorf("data key %d: there is no %s: %w", id, format.KeyRegistryName, walcore.ErrDataKey)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.ciphers[id]; ok {
		return b, nil
	}
	b, err := r.keys.Cipher(id)
	if err != nil {
		return nil, err
	}
	r.ciphers[id] = b
	return b, nil
}
