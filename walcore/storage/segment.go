package storage

import (
	"crypto/cipher"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
	"github.com/walfs/walfs/walcore/vfs"
)

// segment is a log file of the storage. The indexes in its slots go up by one
// from slot to slot, with one exception: a node that has received a snapshot
// goes on in the file that it had, so that entries which the snapshot has made
// obsolete may come before those that follow the snapshot.
type segment struct {
	id     uint64
	name   string
	f      vfs.File
	header format.KeyHeader
	cipher cipher.Block // nil: the payloads are plain

	// What readers look at: DiskStorage.mu protects it.

	slotTable         // replaced by setTable and appendSlots only
	obsolete   int    // how many slots come before the first entry's
	firstIndex uint64 // the first entry's index, which every call asks for; 0: no entry
	end        int64  // where the last slot's payload ends
	emptying   int    // the normal entries in the first slots, so many, are being emptied

	// nonEmpty is what firstNonEmpty has found, plus 1; 0: not known yet.
	nonEmpty atomic.Int32

	// What only the writer looks at.

	size     int64 // of the file
	tail     int64 // where the next payload goes: end, or after encrypted bytes that were dropped
	reserved int64 // disk space is certain up to here
	zeroed   int64 // zeros were written up to here
	dirty    bool  // written to since the last flush
}

// entries is the number of entries in the file.
func (g *segment) entries() int { return g.slots() - g.obsolete }

// first is the first entry's index, 0 if there is none.
func (g *segment) first() uint64 { return g.firstIndex }

// last is the last entry's index, 0 if there is none.
func (g *segment) last() uint64 {
	if g.entries() == 0 {
		return 0
	}
	return g.first() + uint64(g.entries()) - 1
}

// slotOf is the slot of an index that the file holds.
func (g *segment) slotOf(index uint64) int { return g.obsolete + int(index-g.first()) }

// setTable gives the segment other slots.
func (g *segment) setTable(table slotTable) {
	g.slotTable, g.firstIndex = table, 0
	if g.entries() > 0 {
		g.firstIndex = g.index(g.obsolete)
	}
}

// appendSlots adds slots, as they are on disk.
func (g *segment) appendSlots(raw []byte) {
	open, ok := g.slotTable.(*openTable)
	if !ok {
		open = &openTable{g.encode(g.slots())}
	}
	open.raw = append(open.raw, raw...)
	g.setTable(open)
}

// pack packs the slots, and gives the memory that is no longer needed.
func (g *segment) pack() (freed []byte) {
	open, ok := g.slotTable.(*openTable)
	if !ok {
		return nil
	}
	g.setTable(packTable(open.raw))
	return open.raw[:0]
}

// fileErr is an error with the file, slotErr one with a slot of it.

func (g *segment) fileErr(err error) error { return walcore.FileError(g.name, err) }

func (g *segment) slotErr(i int, err error) error {
	e := walcore.SlotError(g.name, i, err)
	if i < g.slots() {
		s := g.slot(i)
		e = e.At(s.Offset).OfEntry(s.Index)
	}
	return e
}
