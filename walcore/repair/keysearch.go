package repair

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"io"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
)

// This file finds the key id and the base IV of a log file whose key header was erased.
//
// AES-CTR encrypts a counter, and adds the result to the payload. So where 16 bytes of
// a payload are known, decrypting their difference from what is stored gives the
// counter: base IV (8) · data offset + number of the block (8). The second half is known
// beforehand. If it comes out right, data key and guess are right, too: by chance it does
// once in 2^64 trials. The first half is the base IV.

// dataKey is a data key of the registry.
type dataKey struct {
	id    uint64
	block cipher.Block
}

// readDataKeys opens the directory's key registry. There are none where it is lost.
func readDataKeys(log *dgraph.Reader, key []byte) ([]dataKey, error) {
	for _, n := range log.Native() {
		if n.Name != registryName {
			continue
		}
		raw := make([]byte, min(n.Attr.Size, format.MaxRegistry))
		if _, err := n.ReadAt(raw, 0); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		registry := format.ParseRegistry(raw)
		keys, err := registry.Open(key)
		if errors.Is(err, walcore.ErrNoKey) {
			return nil, walcore.FileError(registryName, err)
		}
		if err != nil {
			return nil, nil // the reader has reported it
		}
		var list []dataKey
		for _, id := range registry.IDs {
			if b, err := keys.Cipher(id); err == nil {
				list = append(list, dataKey{id, b})
			}
		}
		return list, nil
	}
	return nil, nil
}

const (
	// maxTrials bounds the search to some seconds.
	maxTrials = 1 << 27
	// searchBytes is how much of a payload is looked at.
	searchBytes = 64 << 10
)

// searchHeader finds a file's key header. The file is read as if it was plain.
func searchHeader(ctx context.Context, file *walcore.File, keys []dataKey, list []block) (h format.KeyHeader, found bool, err error) {
	buf := make([]byte, searchBytes)
	trials := 0
	for e := range file.Source.Entries(0) {
		if err := ctx.Err(); err != nil {
			return h, false, err
		}
		stored := buf[:min(e.Size, searchBytes)]
		if _, err := e.ReadAt(stored, 0); err != nil && !errors.Is(err, io.EOF) {
			continue // it is damaged, or has changed
		}
		for i := 0; (i+1)*aes.BlockSize <= len(stored); i++ {
			if h, found = tryBlock(stored[i*aes.BlockSize:], e.Offset+uint64(i), keys, list); found {
				return h, true, nil
			}
			if trials += len(keys) * len(list); trials > maxTrials {
				return h, false, nil
			}
		}
	}
	return h, false, nil
}

// tryBlock tries all guesses with all keys for a block that is stored; counter is the
// second half of its counter.
func tryBlock(stored []byte, counter uint64, keys []dataKey, list []block) (h format.KeyHeader, found bool) {
	var stream, whole block
	for _, k := range keys {
		for i := range list {
			subtle.XORBytes(stream[:], stored[:aes.BlockSize], list[i][:])
			k.block.Decrypt(whole[:], stream[:])
			if binary.BigEndian.Uint64(whole[8:]) == counter {
				return format.KeyHeader{KeyID: k.id, BaseIV: [8]byte(whole[:8])}, true
			}
		}
	}
	return h, false
}
