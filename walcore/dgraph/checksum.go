package dgraph

import (
	"fmt"
	"sync/atomic"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// verify compares a slot's checksum, if it has one, with what is stored. An
// entry that has passed is not read again.
func (l *LogFile) verify(e *walcore.Entry) error {
	slot := l.Slot(e.Slot)
	if slot.Sum == 0 {
		return nil
	}
	if l.verified.Load().has(e.Slot) {
		return nil
	}
	crc := format.BeginChecksum(slot)
	buf := make([]byte, min(format.LengthSize+e.Size, lengthWindow))
	for at, end := int64(e.Offset), int64(e.Offset)+format.LengthSize+e.Size; at < end; {
		b := buf[:min(int64(len(buf)), end-at)]
		if err := readFull(l.f, b, at); err != nil {
			return err
		}
		crc = crc.Add(b)
		at += int64(len(b))
	}
	if got := crc.Sum(); got != slot.Sum {
		var now [format.SlotSize]byte
		if err := readFull(l.f, now[:], int64(e.Slot)*format.SlotSize); err != nil {
			return err
		}
		if format.DecodeSlot(now[:]) != slot {
			return walcore.ErrChanged
		}
		return fmt.Errorf("the checksum is %08x, want %08x: %w", got, slot.Sum, walcore.ErrDamaged)
	}
	l.verified.CompareAndSwap(nil, new(slotBits))
	l.verified.Load().set(e.Slot)
	return nil
}

// slotBits has a bit for each slot of a file. Many goroutines may use it.
type slotBits [(format.SlotsPerFile + 31) / 32]atomic.Uint32

func (b *slotBits) has(i int) bool { return b != nil && b[i/32].Load()&(1<<(i%32)) != 0 }

func (b *slotBits) set(i int) { b[i/32].Or(1 << (i % 32)) }
