package storage

import "github.com/walfs/walfs/walcore/format"

// This file makes sure of disk space for payloads before they are written.

// reserveStep is how far ahead of the payloads disk space is made sure of.
const reserveStep = 4 << 20

// reserve makes sure of disk space for payloads up to the offset end. When the
// disk is full it fails, and nothing in the log has changed. A crash leaves space
// reserved or the file larger; neither means anything.
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

// writeAhead writes zeros where payloads up to the offset end are to go, and some
// way behind it. A flush of bytes that replace others takes one write to the
// disk. Where space was only reserved, the file system must also note in its
// journal that there are bytes now. For large payloads that note costs less than
// writing all of it twice.
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
