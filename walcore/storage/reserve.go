package storage

import (
	"github.com/walfs/walfs/walcore/format"
)

// This file finds and makes the room that payloads go into.

// behindSealed is the first place at or behind end with nothing but zeros
// after it. A payload that was sealed and then dropped by a rewrite or a crash
// has left its bytes there. Another payload with the same IV, hence the same
// key stream, would give away the XOR of the two.
func (g *segment) behindSealed(end int64) (int64, error) {
	place := end
	buf := make([]byte, 64<<10)
	for at := end; ; {
		from, to, found, err := g.f.NextData(at)
		if err != nil || !found {
			return place, err
		}
		for at = max(from, at); at < to; at += int64(len(buf)) {
			b := buf[:min(int64(len(buf)), to-at)]
			if _, err := g.f.ReadAt(b, at); err != nil {
				return 0, g.fileErr(err)
			}
			for i := len(b) - 1; i >= 0; i-- {
				if b[i] != 0 {
					// The last sealed byte may be 0 itself: step
					// over a whole cipher block.
					place = at + int64(i) + 1 + 16
					break
				}
			}
		}
		at = to
	}
}

// reserveStep is how far ahead of the payloads room on disk is made sure of.
const reserveStep = 4 << 20

// reserve makes room for payloads up to end. When the disk is full it fails
// and has changed nothing. A crash leaves room reserved or the file grown,
// both without meaning.
func (g *segment) reserve(end int64) error {
	if end > g.size {
		grown := g.size
		for grown < end {
			grown += min(grown, format.MaxGrowth)
		}
		if err := g.f.Truncate(grown); err != nil {
			return g.fileErr(err)
		}
		g.size = grown
		g.dirty = true
	}
	if end > g.reserved {
		from := max(g.reserved, format.PayloadAt)
		to := max(end, min(from+reserveStep, g.size))
		if err := g.f.Allocate(from, to-from); err != nil {
			return g.fileErr(err)
		}
		g.reserved = to
	}
	return nil
}

// zeroStep is how far ahead of small payloads zeros are written.
const zeroStep = 1 << 20

var zeros [zeroStep]byte

// writeAhead writes zeros where payloads up to end are to go, and some way
// behind. A flush of bytes in the place of others takes one write to the disk;
// where room was only reserved, the file system has to note in its journal
// first that there are bytes now. Large payloads would rather take that than be
// written twice.
func (g *segment) writeAhead(end int64) error {
	if end <= g.zeroed || end-g.tail > zeroStep/16 {
		return nil
	}
	from := max(g.zeroed, g.tail)
	to := min(from+zeroStep, g.reserved)
	if _, err := g.f.WriteAt(zeros[:to-from], from); err != nil {
		return g.fileErr(err)
	}
	g.dirty = true
	g.zeroed = to
	return nil
}
