package fsview

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/dgraph"
	"github.com/walfs/walfs/walcore/format"
)

// FuzzTree damages a small directory by a list of edits and walks its tree.
func FuzzTree(f *testing.F) {
	type seed struct {
		fixture.Head
		key []byte
	}
	var seeds []seed
	for _, name := range fixture.Small {
		seeds = append(seeds, seed{fixture.ReadHead(f, name, 6), fixture.Key(name)})
		which := uint8(len(seeds) - 1)
		f.Add(which, []byte{}, uint16(4096), uint16(1300), false)
		f.Add(which, []byte{0, 15, 7, 1, 0, 3}, uint16(4096), uint16(1043), true)
		f.Add(which, []byte{4, 0, 7, 3, 4, 3}, uint16(10), uint16(0), false)
	}
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	dir := f.TempDir() // not one each time: that takes longer than the rest
	f.Fuzz(func(t *testing.T, which uint8, edits []byte, logSize, metaSize uint16, plain bool) {
		s := seeds[int(which)%len(seeds)]
		parts := [][]byte{bytes.Clone(s.Slots), bytes.Clone(s.Slots), bytes.Clone(s.KeyHeader), bytes.Clone(s.Payloads),
			bytes.Clone(s.Meta), bytes.Clone(s.Registry)}
		files := 1
		for ; len(edits) >= 3; edits = edits[3:] {
			which := int(edits[0]) % len(parts)
			if which == 1 {
				files = 2
			}
			if p := parts[which]; len(p) > 0 {
				p[(int(edits[0])/len(parts)+int(edits[1])*40)%len(p)] = edits[2]
			}
		}
		for i := range 2 {
			name := filepath.Join(dir, format.FileName(uint64(i+1)))
			if i == files {
				os.Remove(name)
				continue
			}
			writeLog(t, name, parts[i], parts[2], parts[3], 1<<20+int64(logSize))
		}
		writeFile(t, filepath.Join(dir, "wal.meta"), parts[4][:min(len(parts[4]), int(metaSize))])
		if s.Registry == nil {
			os.Remove(filepath.Join(dir, "KEYREGISTRY"))
		} else {
			writeFile(t, filepath.Join(dir, "KEYREGISTRY"), parts[5])
		}
		r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: s.key, Plain: plain})
		if err != nil {
			if !errors.Is(err, walcore.ErrKey) {
				t.Fatal(err)
			}
			return
		}
		defer r.Close()
		checkTree(t, New(r, nil))
	})
}

func writeFile(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeLog replaces a log file that has at most 64 slots.
func writeLog(t *testing.T, name string, slots, header, payloads []byte, size int64) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := make([]byte, 64*format.SlotSize)
	copy(table, slots)
	for _, step := range []func() error{
		func() error { _, err := f.WriteAt(table, 0); return err },
		func() error { _, err := f.WriteAt(header, format.KeyHeaderAt); return err },
		func() error { return f.Truncate(format.PayloadAt) },
		func() error { _, err := f.WriteAt(payloads, format.PayloadAt); return err },
		func() error { return f.Truncate(size) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}
