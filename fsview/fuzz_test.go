package fsview

import (
	"bytes"
	"errors"
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
		var native []walcore.NativeFile
		for i := range files {
			log := &fixture.Sparse{Size: format.PayloadAt + int64(logSize), Parts: []fixture.Part{
				{At: 0, Bytes: parts[i]}, {At: format.KeyHeaderAt, Bytes: parts[2]}, {At: format.PayloadAt, Bytes: parts[3]}}}
			native = append(native, log.Native(format.FileName(uint64(i+1))))
		}
		for name, b := range map[string][]byte{format.MetaName: parts[4][:min(len(parts[4]), int(metaSize))], format.KeyRegistryName: parts[5]} {
			if b != nil {
				file := &fixture.Sparse{Size: int64(len(b)), Parts: []fixture.Part{{At: 0, Bytes: b}}}
				native = append(native, file.Native(name))
			}
		}
		r, err := dgraph.OpenFiles("w", native, dgraph.ReaderOptions{Key: s.key, Plain: plain})
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
