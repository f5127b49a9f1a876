package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/format"
)

// This file reads payloads of a log file and checks their lengths. A slot's
// offset leads to a word with the payload's length; the payload follows it.

// limit is an offset that the slot's payload does not go beyond: that of the
// next slot, or the end of the last payload.
func (g *segment) limit(i int) int64 {
	if i+1 < g.slots() {
		return g.offset(i + 1)
	}
	return g.end
}

// checkLength fails with ErrDamaged where the slot's payload cannot have length
// n: it has to end at its limit, or before a gap that writers leave. log is the
// files of the log, g among them.
func (g *segment) checkLength(log []*segment, i int, n int64) error {
	return g.checkLengthBefore(log, g.limit(i), i, g.slot(i), n)
}

// checkLengthBefore is checkLength of slot i, which is s, with its limit.
func (g *segment) checkLengthBefore(log []*segment, limit int64, i int, s format.Slot, n int64) error {
	most := limit - int64(s.Offset) - format.LengthSize
	if n == most {
		return nil
	}
	legal, err := g.gapIsLegal(s, n, most, func() (bool, error) { return g.emptyingEnded(log, i) })
	if legal {
		return nil
	}
	if err != nil {
		return g.slotErr(i, err)
	}
	return g.slotErr(i, fmt.Errorf("the payload claims %d bytes, its room is %d: %w", n, most, walcore.ErrDamaged))
}

// gapIsLegal reports whether a writer leaves slot s, with its length n, in a room of most
// bytes.
func (g *segment) gapIsLegal(s format.Slot, n, most int64, emptyingEnded func() (bool, error)) (legal bool, err error) {
	gap := format.Gap{Bytes: most - n, Encrypted: g.header.KeyID != 0, Size: uint32(n), Type: s.Type, Sum: s.Sum}
	legal = gap.Legal(format.Evidence{
		EmptyingEnded: func() bool {
			var ended bool
			ended, err = emptyingEnded()
			return ended || err != nil
		},
		Read: func(p []byte, at int64) bool {
			_, err = g.f.ReadAt(p, int64(s.Offset)+format.LengthSize+n+at)
			return err == nil
		},
	})
	return legal, err
}

// emptyingEnded reports whether there is an entry before slot i, in this file or an
// earlier one of the log, that emptying would have emptied and has not; or may be one,
// since lengths are damaged beside that of slot i.
func (g *segment) emptyingEnded(log []*segment, i int) (bool, error) {
	first, err := g.firstNonEmpty()
	if err != nil || i >= first {
		return true, err
	}
	if doubtful, err := g.besideDamage(i, first); doubtful || err != nil {
		return true, err
	}
	for _, earlier := range log {
		if earlier == g {
			break
		}
		if full, err := earlier.leftFull(); full || err != nil {
			return true, err
		}
	}
	return false, nil
}

// besideDamage reports whether a length in the same block as that of slot i is damaged, and
// no entry behind that block shows that emptying got there. Damage ends at a payload that is
// sound. first is firstNonEmpty.
func (g *segment) besideDamage(i, first int) (damaged bool, err error) {
	begin, end := format.LengthBlocks(uint64(g.offset(i)))
	for j := i - 1; j >= 0 && !damaged; j-- {
		n, sound, err := g.lengthAlone(j)
		if err != nil {
			return false, err
		}
		if _, block := format.LengthBlocks(uint64(g.offset(j))); block < begin || sound && n > 0 {
			break
		}
		damaged = !sound
	}
	for j := i + 1; j <= first && j < g.slots(); j++ {
		block, _ := format.LengthBlocks(uint64(g.offset(j)))
		n, sound, err := g.lengthAlone(j)
		switch emptied := sound && g.limit(j) > g.offset(j)+format.LengthSize; {
		case err != nil:
			return false, err
		case block > end && (!damaged || emptied):
			return false, nil
		case sound && n > 0:
			return damaged, nil
		}
		damaged = damaged || !sound && block <= end
	}
	return damaged, nil
}

// lengthAlone reads the length of a slot behind no full one, and reports whether it can be.
func (g *segment) lengthAlone(i int) (n uint32, sound bool, err error) {
	if g.beingEmptied(i) {
		return 0, true, nil
	}
	if n, err = g.readLength(i); err != nil {
		return 0, false, err
	}
	room := g.limit(i) - g.offset(i) - format.LengthSize
	sound, err = g.gapIsLegal(g.slot(i), int64(n), room, func() (bool, error) { return false, nil })
	return n, sound, err
}

// leftFull reports whether emptying has not got as far as the file's end.
func (g *segment) leftFull() (bool, error) {
	return format.LeftFull(g.slots(),
		func(i int) (format.Slot, int64) { return g.slot(i), g.limit(i) - g.offset(i) - format.LengthSize },
		func(i int) (uint32, error) {
			if g.beingEmptied(i) {
				return 0, nil
			}
			return g.readLength(i)
		})
}

// canBeEmptied reports whether emptying takes the slot's payload, too.
func (g *segment) canBeEmptied(i int) bool {
	s := g.slot(i)
	return format.CanBeEmptied(s.Type, s.Sum)
}

// beingEmptied reports whether the slot's length on disk is about to become 0.
// It can be anything until then.
func (g *segment) beingEmptied(i int) bool { return i < g.emptying && g.canBeEmptied(i) }

// firstNonEmpty is the first slot that could be emptied and was not. Payloads
// are emptied from the front, so that a length of 0 behind it is damage, unless
// there were no bytes to begin with.
func (g *segment) firstNonEmpty() (int, error) {
	if found := g.nonEmpty.Load(); found > 0 {
		return int(found - 1), nil
	}
	i := g.emptying
	for ; i < g.slots(); i++ {
		n, err := g.readLength(i)
		if err != nil {
			return 0, err
		}
		if n != 0 && g.canBeEmptied(i) {
			break
		}
	}
	g.nonEmpty.Store(int32(i + 1))
	return i, nil
}

// readLength reads what the slot's payload claims for a length.
func (g *segment) readLength(i int) (uint32, error) {
	var length [format.LengthSize]byte
	if _, err := g.f.ReadAt(length[:], g.offset(i)); err != nil {
		return 0, g.slotErr(i, err)
	}
	return binary.BigEndian.Uint32(length[:]), nil
}

// payloadEnd reads where the slot's payload ends. It fails with ErrDamaged if
// that is not within the file.
func (g *segment) payloadEnd(i int) (int64, error) {
	off := g.offset(i)
	if off < format.PayloadAt || off+format.LengthSize > g.size {
		return 0, g.slotErr(i, fmt.Errorf("the data offset %d is not between %d and the file's end at %d: %w", off, format.PayloadAt, g.size, walcore.ErrDamaged))
	}
	n, err := g.readLength(i)
	if err != nil {
		return 0, err
	}
	end := off + format.LengthSize + int64(n)
	if end > g.size {
		return 0, g.slotErr(i, fmt.Errorf("the payload claims %d bytes, the file ends at %d: %w", n, g.size, walcore.ErrDamaged))
	}
	return end, nil
}

// window is the payloads of n slots from slot first on, as they are on disk.
type window struct {
	g        *segment
	first, n int
	buf      []byte
}

// window reads the payloads of some slots from slot i on: as many slots as fit into
// most bytes, at most n, but at least one.
func (g *segment) window(i, n int, most uint64) (w window, err error) {
	start := g.offset(i)
	k := 1 + sort.Search(n-1, func(k int) bool { return g.limit(i+1+k)-start > int64(most) })
	end := g.limit(i + k - 1)
	w = window{g: g, first: i, n: k, buf: make([]byte, end-start)}
	_, err = g.f.ReadAt(w.buf, start)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the file ends before %d: %w", end, walcore.ErrDamaged)
	}
	if err != nil {
		return w, g.slotErr(i, err)
	}
	return w, nil
}

// payload cuts a slot's payload, as it is on disk, out of a window that was read
// from the file's offset start on. It checks length and checksum. log is as in
// checkLength, limit as segment.limit has it. scratch is for the slot as it is on disk.
func (g *segment) payload(log []*segment, i int, s format.Slot, limit int64, scratch *[format.SlotSize]byte, window []byte, start int64) ([]byte, error) {
	at := int64(s.Offset) - start
	if g.beingEmptied(i) {
		return nil, nil
	}
	n := int64(binary.BigEndian.Uint32(window[at:]))
	if err := g.checkLengthBefore(log, limit, i, s, n); err != nil {
		return nil, err
	}
	b := window[at : at+format.LengthSize+n : at+format.LengthSize+n]
	if s.Sum != 0 {
		bare := s
		bare.Sum = 0
		format.EncodeSlot(scratch[:], bare)
		if got := format.ChecksumAt(scratch[:], b); got != s.Sum {
			return nil, g.slotErr(i, fmt.Errorf("the checksum is %08x, want %08x: %w", got, s.Sum, walcore.ErrDamaged))
		}
	}
	return b[format.LengthSize:], nil
}
