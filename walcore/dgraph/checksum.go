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
	if slot.Sum == 0 || l.verified.Load().has(e.Slot) {
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

// checksumWindow is how much is read at once to verify checksums.
const checksumWindow = 1 << 20

// firstBadChecksum is the first slot, of those in [from, to), whose entry has another
// checksum than it should; to if there is none.
func (l *LogFile) firstBadChecksum(from, to int) (int, error) {
	var window []byte
	at := int64(0) // of window in the file
	for i := from; i < to; i++ {
		slot := l.Slot(i)
		size, whole := l.size(i)
		if slot.Sum == 0 || !whole {
			continue
		}
		n := format.LengthSize + int64(size)
		if n > checksumWindow {
			if e := l.entryOf(i, size); l.verify(&e) != nil {
				return i, nil
			}
			continue
		}
		begin := int64(slot.Offset) - at
		if begin < 0 || begin+n > int64(len(window)) {
			if window == nil {
				window = make([]byte, checksumWindow)
			}
			window = window[:min(checksumWindow, l.Attr.Size-int64(slot.Offset))]
			if err := readFull(l.f, window, int64(slot.Offset)); err != nil {
				return 0, walcore.SlotError(l.Name, i, err).At(slot.Offset)
			}
			at, begin = int64(slot.Offset), 0
		}
		if format.Checksum(slot, window[begin:begin+n]) != slot.Sum {
			return i, nil
		}
	}
	return to, nil
}

// slotBits has a bit for each slot of a file. Many goroutines may use it.
type slotBits [(format.SlotsPerFile + 31) / 32]atomic.Uint32

func (b *slotBits) has(i int) bool { return b != nil && b[i/32].Load()&(1<<(i%32)) != 0 }

func (b *slotBits) set(i int) { b[i/32].Or(1 << (i % 32)) }
