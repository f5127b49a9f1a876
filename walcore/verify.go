package walcore

import (
	"fmt"
	"hash/crc32"
)

// verify compares a slot's checksum, if it has one, with what is stored. An
// entry that has passed is not read again.
func (l *LogFile) verify(e *Entry) error {
	slot := l.slot(e.Slot)
	if slot.Sum == 0 {
		return nil
	}
	word, bit := &l.verified[e.Slot/32], uint32(1)<<(e.Slot%32)
	if word.Load()&bit != 0 {
		return nil
	}
	crc := beginChecksum(slot)
	buf := make([]byte, min(LengthSize+e.Size, lengthWindow))
	for at, end := int64(e.Offset), int64(e.Offset)+LengthSize+e.Size; at < end; {
		b := buf[:min(int64(len(buf)), end-at)]
		if err := readFull(l.f, b, at); err != nil {
			return err
		}
		crc = crc32.Update(crc, castagnoli, b)
		at += int64(len(b))
	}
	if got := endChecksum(crc); got != slot.Sum {
		var now [SlotSize]byte
		if err := readFull(l.f, now[:], int64(e.Slot)*SlotSize); err != nil {
			return err
		}
		if DecodeSlot(now[:]) != slot {
			return ErrChanged
		}
		return fmt.Errorf("the checksum is %08x, want %08x: %w", got, slot.Sum, ErrDamaged)
	}
	word.Or(bit)
	return nil
}
