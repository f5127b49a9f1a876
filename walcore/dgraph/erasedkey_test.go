package dgraph

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// TestErasedKeys: with what was found out about a file whose key header is erased, its
// payloads are read; where it is not known whether one is encrypted, it is not.
func TestErasedKeys(t *testing.T) {
	dir := fixture.Dir(t, "sealed128")
	key := fixture.Key("sealed128")
	open := func(opts ReaderOptions) *Reader {
		t.Helper()
		opts.Key = key
		r, err := OpenReader(dir, opts)
		fixture.Must(t, err)
		t.Cleanup(func() { r.Close() })
		return r
	}
	f := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	clear := open(ReaderOptions{})
	header := format.DecodeKeyHeader(f.Read(format.KeyHeaderAt, format.KeyHeaderSize))
	f.Write(format.KeyHeaderAt, make([]byte, format.KeyHeaderSize))
	stored := open(ReaderOptions{Plain: true})
	found := open(ReaderOptions{Erased: map[string]ErasedKey{"00001.wal": {Header: header, Encrypted: 10, Plain: 20}}})
	if problems := found.Problems(); len(problems) > 0 {
		t.Errorf("problems %v", problems)
	}
	var scan walcore.Scanner
	for e := range found.Entries(0) {
		if e.Size == 0 {
			continue
		}
		like := stored
		if e.Slot < 10 {
			like = clear
		}
		other, err := like.Entry(e.Index)
		fixture.Must(t, err)
		want, err := other.Data()
		fixture.Must(t, err)
		data, err := scan.Data(&e)
		switch unknown := e.Slot >= 10 && e.Slot < 20; {
		case unknown && !errors.Is(err, walcore.ErrDataKey):
			t.Errorf("slot %d: %v, want %v", e.Slot, err, walcore.ErrDataKey)
		case !unknown && (err != nil || !bytes.Equal(data, want)):
			t.Errorf("slot %d: %v", e.Slot, err)
		}
	}
}
