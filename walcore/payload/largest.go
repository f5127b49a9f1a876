package payload

import (
	"errors"
	"fmt"

	"github.com/walfs/walfs/walcore"
)

// MaxData is the size of the largest data that are decoded, in bytes: of an entry, and of
// a snapshot. Decoding holds them in memory, and a damaged length can claim as much as its
// log file has.
const MaxData = 64 << 20

// MaxText is the size of the longest JSON that data decode to, in bytes. That of a
// mutation of 16 MiB has 40 to 80 MiB. Damaged data could give thirty times their size.
const MaxText = 128 << 20

// maxRaw is the size of the largest data that are shown as text or base64, which can
// take six times as many bytes.
const maxRaw = 8 << 20

// Data reads an entry's data for a decoder. Those of more than MaxData bytes are not
// read: they are nil, and EntryOf tells the decoder why.
func Data(s *walcore.Scanner, e *walcore.Entry) ([]byte, error) {
	if e.Size > MaxData {
		return nil, nil
	}
	return s.Data(e)
}

// EntryOf is an entry and its data in the form that decoders take.
func EntryOf(e *walcore.Entry, data []byte) Entry {
	p := Entry{Term: e.Term, Index: e.Index, Type: uint32(e.Type), Data: data}
	if len(data) == 0 && e.Size > MaxData {
		p.TooLarge = e.Size
	} else if e.Type == walcore.LogCommand {
		p.Chunk = chunkOf(e)
	}
	return p
}

// size is that of the data, whether they are there or not.
func (e Entry) size() uint64 { return uint64(max(int64(len(e.Data)), e.TooLarge)) }

// tooLarge says, in the place of what data mean, why they are not shown, and what gives
// them: path is theirs in the tree.
func (w *walker) tooLarge(limit int, of, path string) {
	w.key(`"not_decoded":`)
	w.string(fmt.Sprintf("more than %d MiB%s: walfs cat DIR %s gives the bytes", limit>>20, of, path))
}

// appendTooLarge appends an entry that is too large to decode.
func appendTooLarge(dst []byte, e Entry, indent bool) []byte {
	w := newWalker(dst, Options{}, 0, indent)
	w.open('{')
	w.head(e)
	w.tooLarge(MaxData, "", e.path())
	w.close('}')
	return w.free()
}

// path is that of the entry's data in the tree.
func (e Entry) path() string { return fmt.Sprintf("entries/%d", e.Index) }

// snapshotPath is that of a snapshot's data in the tree.
const snapshotPath = "snapshots/latest/data"

// AppendSnapshotOf appends what d says of a snapshot's data, as indented JSON.
// Those of more than MaxData bytes are not read, and the JSON says so. It fails if they
// cannot be read.
func AppendSnapshotOf(dst []byte, d Decoder, s *walcore.Snapshot) ([]byte, error) {
	blob, err := SnapshotData(s)
	if !errors.Is(err, ErrTooLarge) {
		if err != nil {
			return dst, err
		}
		return d.AppendSnapshot(dst, blob), nil
	}
	w := newWalker(dst, Options{}, 0, true)
	w.open('{')
	w.key(`"size":`)
	w.uint(uint64(s.Data.Size))
	w.tooLarge(MaxData, "", snapshotPath)
	w.close('}')
	return append(w.free(), '\n'), nil
}
