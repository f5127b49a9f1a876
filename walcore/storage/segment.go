package storage

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/vfs"
)

// segment is a log file that is written. The indexes in its slots go up by
// one, but for one place: where Dgraph has put a snapshot from another node in
// the place of a log that lagged behind, the entries after the snapshot follow
// the old ones. Those are dead.
type segment struct {
	id     uint64
	name   string
	f      vfs.File
	header format.KeyHeader
	seal   cipher.Block // nil: the payloads are plain

	// The slots in use. Readers look at them with DiskStorage.mu held.
	slotList
	dead  int    // slots before the first entry
	begin uint64 // that one's index, if the slots are packed
	// end is where the last slot's payload ends. Readers look at it as well.
	end int64

	// full is 1 more than the slot that firstFull gives; 0: not known yet.
	full atomic.Int32

	// Only the writer looks at these.
	size     int64 // of the file
	tail     int64 // where the next payload goes: at end, or behind what was sealed before
	reserved int64 // room on disk is certain up to here
	zeroed   int64 // zeros were written up to here
	dirty    bool  // written since the last flush
}

// entries is the number of entries in the file.
func (g *segment) entries() int { return g.slots() - g.dead }

// first is the first entry's index, 0 if there is none.
func (g *segment) first() uint64 {
	switch {
	case g.entries() == 0:
		return 0
	case g.packed != nil:
		return g.begin
	}
	return g.index(g.dead)
}

// last is the last entry's index, 0 if there is none.
func (g *segment) last() uint64 {
	if g.entries() == 0 {
		return 0
	}
	return g.first() + uint64(g.entries()) - 1
}

// pack packs the slots, and gives the memory that this sets free.
func (g *segment) pack() (room []byte) {
	g.begin = g.first()
	return g.slotList.pack()
}

// slotOf is the slot of an index that the file holds.
func (g *segment) slotOf(index uint64) int { return g.dead + int(index-g.first()) }

// bound is a place that the slot's payload does not go beyond: where the next
// one begins, or where the last one ends.
func (g *segment) bound(i int) int64 {
	if i+1 < g.slots() {
		return g.offset(i + 1)
	}
	return g.end
}

// fits checks the length of a slot's payload against its room.
func (g *segment) fits(i int, n int64) error {
	room := g.bound(i) - g.offset(i) - format.LengthSize
	if n == room {
		return nil
	}
	s := g.slot(i)
	gap := format.Gap{Bytes: room - n, Encrypted: g.header.KeyID != 0, Size: uint32(n), Type: s.Type, Sum: s.Sum}
	var err error
	legal := gap.Legal(func() bool {
		var full int
		full, err = g.firstFull()
		return err != nil || i >= full
	})
	if legal || err != nil {
		return err
	}
	return g.fail(i, fmt.Errorf("the payload claims %d bytes, its room is %d: %w", n, room, walcore.ErrDamaged))
}

// firstFull is the first slot that emptying has not reached: behind it, a
// payload that is empty before a gap has lost its length.
func (g *segment) firstFull() (int, error) {
	if full := g.full.Load(); full > 0 {
		return int(full - 1), nil
	}
	var length [format.LengthSize]byte
	i := 0
	for ; i < g.slots(); i++ {
		if _, err := g.f.ReadAt(length[:], g.offset(i)); err != nil {
			return 0, g.fail(i, err)
		}
		if s := g.slot(i); format.CanBeEmptied(s.Type, s.Sum) && length != [format.LengthSize]byte{} {
			break
		}
	}
	g.full.Store(int32(i + 1))
	return i, nil
}

func (g *segment) fail(slot int, err error) error {
	e := &walcore.Error{File: g.name, Slot: slot, Err: err}
	if slot >= 0 && slot < g.slots() {
		s := g.slot(slot)
		e.Offset, e.Index = s.Offset, s.Index
	}
	return e
}

// payloadEnd reads the slot's length word and gives the payload's end. It
// fails with ErrDamaged if that is beyond the file.
func (g *segment) payloadEnd(i int) (int64, error) {
	var length [format.LengthSize]byte
	off := g.offset(i)
	if off < format.PayloadAt || off+format.LengthSize > g.size {
		return 0, g.fail(i, fmt.Errorf("the data offset %d is not between %d and the file's end at %d: %w", off, format.PayloadAt, g.size, walcore.ErrDamaged))
	}
	if _, err := g.f.ReadAt(length[:], off); err != nil {
		return 0, g.fail(i, err)
	}
	n := binary.BigEndian.Uint32(length[:])
	end := off + format.LengthSize + int64(n)
	if end > g.size {
		return 0, g.fail(i, fmt.Errorf("the payload claims %d bytes, the file ends at %d: %w", n, g.size, walcore.ErrDamaged))
	}
	return end, nil
}
