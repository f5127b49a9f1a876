package walcore

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/walfs/walfs/walcore/platform"
	"google.golang.org/protobuf/proto"
)

// The layout of KEYREGISTRY, part of the on-disk format (Badger's):
//
//	0    IV (16) · sealed "Hello Badger" (12)             28
//	28   records: length (4) · crc32c (4) · pb.DataKey    end of file
const (
	registryHeader = 28
	recordHeader   = 8
	sanityText     = "Hello Badger"
	// A record takes some 70 bytes and is added once in ten days.
	maxRegistry = 1 << 20
)

// KeySizes are the key lengths that Dgraph takes: AES-128, AES-192, AES-256.
var KeySizes = [...]int{16, 24, 32}

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
		return nil, fmt.Errorf("key file %s is not a key: it has %d bytes or more, want 16, 24 or 32: %w", name, maxKeyFile, ErrKey)
	}
	return key, checkKey("key file "+name, key)
}

// maxKeyFile is enough to tell a user how long a key that is too long is.
const maxKeyFile = 4096

func checkKey(what string, key []byte) error {
	hint := ""
	for _, n := range KeySizes {
		if len(key) == n {
			return nil
		}
		if len(key) == n+1 && key[n] == '\n' {
			hint = "; its last byte is a line end: write the file without one"
		}
	}
	return fmt.Errorf("%s has %d bytes, want 16, 24 or 32%s: %w", what, len(key), hint, ErrKey)
}

// keyRing gives data keys by their id. One without a registry holds none.
type keyRing struct {
	// there says that there is a registry, whatever is left in it. It gets its
	// first record before any file uses it: one without has lost it.
	there  bool
	sealed error // why no data key can be had: ErrSealed, or the registry's damage
	reg    *badger.KeyRegistry

	problems []Problem

	mu     sync.Mutex // protects blocks
	blocks map[uint64]cipher.Block
}

// unreadableRing is that of a registry that is there and cannot be read: no
// file may pass for plain.
func unreadableRing() *keyRing {
	return &keyRing{there: true, sealed: fmt.Errorf("%s cannot be read: %w", KeyRegistryName, ErrDataKey)}
}

// openKeyRing reads a registry's bytes. Records behind the first bad one are
// left out and reported. It fails with ErrKey if key does not fit.
func openKeyRing(raw []byte, key []byte) (*keyRing, []Problem, error) {
	ring := &keyRing{there: true, blocks: map[uint64]cipher.Block{}}
	sound, _, problem := scanRegistry(raw)
	var problems []Problem
	report := func(message string) {
		problems = append(problems, Problem{File: KeyRegistryName, Slot: -1,
			Offset: uint64(sound), Kind: KindKeyRegistry, Message: message})
	}
	if problem != "" {
		report(problem)
	}
	switch {
	case sound < registryHeader:
		ring.sealed = fmt.Errorf("%s: %s: %w", KeyRegistryName, problem, ErrDamaged)
		return ring, problems, nil
	case len(key) == 0 && string(raw[16:registryHeader]) != sanityText:
		ring.sealed = ErrSealed
		return ring, problems, nil
	}
	reg, err := openBadgerRegistry(raw[:sound], key)
	if errors.Is(err, badger.ErrEncryptionKeyMismatch) {
		return nil, problems, fmt.Errorf("the key does not open %s: %w; give the node's own with --key-file",
			KeyRegistryName, ErrKey)
	}
	if err != nil {
		report(fmt.Sprintf("Badger does not read it: %v", err))
		ring.sealed = fmt.Errorf("%s: %w: %w", KeyRegistryName, err, ErrDataKey)
		return ring, problems, nil
	}
	ring.reg = reg
	return ring, problems, nil
}

// scanRegistry walks the records without a key: Badger allocates whatever a
// record claims, so it must only ever see whole ones. It returns the length
// of the sound part, the ids of the data keys in it, and what is wrong behind it.
func scanRegistry(raw []byte) (sound int, ids []uint64, problem string) {
	if len(raw) < registryHeader {
		return 0, nil, fmt.Sprintf("%d bytes, want at least %d: cut short; copy the file again", len(raw), registryHeader)
	}
	at := registryHeader
	for at < len(raw) {
		rest := raw[at:]
		if len(rest) < recordHeader {
			return at, ids, fmt.Sprintf("%d bytes behind the last record: cut short", len(rest))
		}
		n := uint64(binary.BigEndian.Uint32(rest))
		if n > uint64(len(rest)-recordHeader) {
			return at, ids, fmt.Sprintf("a record claims %d bytes, %d are left", n, len(rest)-recordHeader)
		}
		body := rest[recordHeader : recordHeader+n]
		if got, want := crc32.Checksum(body, castagnoli), binary.BigEndian.Uint32(rest[4:]); got != want {
			return at, ids, fmt.Sprintf("a record's checksum is %08x, want %08x", got, want)
		}
		id, problem := checkRecord(body)
		if problem != "" {
			return at, ids, problem
		}
		at += recordHeader + int(n)
		ids = append(ids, id)
	}
	return at, ids, ""
}

// checkRecord gives a data key's id, or says why a record is none: Badger
// panics at one with another IV, such as the empty record that zeros behind the
// last one make.
func checkRecord(body []byte) (id uint64, problem string) {
	var dk pb.DataKey
	if err := proto.Unmarshal(body, &dk); err != nil {
		return 0, fmt.Sprintf("a record does not parse: %v", err)
	}
	if len(dk.Iv) != aes.BlockSize {
		return 0, fmt.Sprintf("a record of %d bytes has an IV of %d, want %d", len(body), len(dk.Iv), aes.BlockSize)
	}
	return dk.KeyId, ""
}

// openBadgerRegistry hands Badger a private copy: it opens its file by name
// and would leave an access time on the original.
func openBadgerRegistry(raw, key []byte) (*badger.KeyRegistry, error) {
	dir, err := os.MkdirTemp("", "walfs-registry-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, KeyRegistryName), raw, 0o600); err != nil {
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
		return nil, fmt.Errorf("data key %d: there is no %s: %w", id, KeyRegistryName, ErrDataKey)
	}
	dk, err := r.reg.DataKey(id)
	if err != nil {
		return nil, fmt.Errorf("data key %d is not in %s: %w", id, KeyRegistryName, ErrDataKey)
	}
	b, err := aes.NewCipher(dk.Data)
	if err != nil {
		return nil, fmt.Errorf("data key %d: %w: %w", id, err, ErrDataKey)
	}
	r.blocks[id] = b
	return b, nil
}

// unseal decrypts p in place: the bytes from position at of a payload with
// the given IV.
func unseal(b cipher.Block, iv [16]byte, p []byte, at int64) {
	// The counter is the IV as one big-endian number, one per 16 bytes.
	lo := binary.BigEndian.Uint64(iv[8:])
	sum := lo + uint64(at/aes.BlockSize)
	if sum < lo {
		binary.BigEndian.PutUint64(iv[:8], binary.BigEndian.Uint64(iv[:8])+1)
	}
	binary.BigEndian.PutUint64(iv[8:], sum)
	stream := cipher.NewCTR(b, iv[:])
	if skip := at % aes.BlockSize; skip > 0 {
		var drop [aes.BlockSize]byte
		stream.XORKeyStream(drop[:skip], drop[:skip])
	}
	stream.XORKeyStream(p, p)
}
