package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// A rewrite in an encrypted file keeps its key header, and uses no byte of the key
// stream twice, also when the directory was opened in between.
func TestRewriteInEncryptedFile(t *testing.T) {
	for _, again := range []bool{false, true} {
		for _, from := range []uint64{1, 4, 10, 14, 25} {
			dir := filepath.Join(memDir(t), "w")
			opts := Options{Key: []byte("0123456789abcdef"), limits: smallFiles, Logger: quiet}
			s := create(t, dir, opts)
			fixture.Must(t, s.Save(nil, someEntries(1, 1, 27), nil))
			name := format.FileName(uint64(1 + (from-1)/10))
			before := peek(t, dir, name, format.KeyHeaderAt, format.KeyHeaderSize)
			end := s.segments[(from-1)/10].end
			old := peek(t, dir, name, 0, int(end))
			rewritten := someEntries(2, from, 2)
			if again {
				// The tail is dropped by one process, and written by another.
				fixture.Must(t, s.rewind(from))
				fixture.Must(t, s.Close())
				if from == 1 {
					continue // nothing is left: Open makes a new file
				}
				s = reopen(t, dir, opts)
			}
			fixture.Must(t, s.Save(nil, rewritten, nil))
			wantLog(t, s, append(someEntries(1, 1, int(from-1)), rewritten...)...)
			fixture.Must(t, s.Close())
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil && again {
				continue // emptied, and replaced by a new file with its own IV
			}
			if now := peek(t, dir, name, format.KeyHeaderAt, format.KeyHeaderSize); !bytes.Equal(now, before) {
				if again {
					continue // a new file of the same name
				}
				t.Fatalf("rewrite from %d: the key header is gone", from)
			}
			now := peek(t, dir, name, 0, int(end))
			if !bytes.Equal(now[format.PayloadAt:], old[format.PayloadAt:]) {
				t.Fatalf("rewrite from %d, opened again %v: encrypted bytes were overwritten", from, again)
			}
			r := openReader(t, dir, opts.Key)
			for e := range r.Entries(0) {
				if data, err := e.Data(); err != nil || !bytes.Equal(data, killData(e.Term, e.Index)) {
					t.Fatalf("reader: entry %d: %q, %v", e.Index, data, err)
				}
			}
		}
	}
}

// A key belongs to one storage, not to all in the process.
func TestTwoKeys(t *testing.T) {
	base := memDir(t)
	keys := [][]byte{[]byte("0123456789abcdef"), nil, []byte("fedcba9876543210fedcba98")}
	var stores []*DiskStorage
	for i, key := range keys {
		stores = append(stores, create(t, filepath.Join(base, fmt.Sprint(i)), Options{Key: key, limits: smallFiles, Logger: quiet}))
	}
	for _, s := range stores {
		fixture.Must(t, s.Save(nil, someEntries(1, 1, 25), nil))
		fixture.Must(t, s.Close())
	}
	for i, key := range keys {
		dir := filepath.Join(base, fmt.Sprint(i))
		for n := range uint64(3) {
			if encrypted := binary.BigEndian.Uint64(peek(t, dir, format.FileName(n+1), format.KeyHeaderAt, 8)) != 0; encrypted != (key != nil) {
				t.Errorf("key %q: %s encrypted: %v", key, format.FileName(n+1), encrypted)
			}
			if raw := peek(t, dir, format.FileName(n+1), format.PayloadAt+format.LengthSize, 8); bytes.HasPrefix(killData(1, 10*n+1), raw) != (key == nil) {
				t.Errorf("key %q: %s holds %q", key, format.FileName(n+1), raw)
			}
		}
		wantLog(t, reopen(t, dir, Options{Key: key}), someEntries(1, 1, 25)...)
	}
	if _, err := Open(filepath.Join(base, "0"), Options{}); !errors.Is(err, walcore.ErrInUse) {
		t.Error(err)
	}
}
