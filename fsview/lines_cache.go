package fsview

import (
	"slices"
	"sync"

	"github.com/klauspost/compress/s2"
)

// linesCache keeps pieces of lines. Those that were read last are there as they are: a kernel
// asks for a file's bytes in order, for several READs at a time, and most READs have bytes of
// two pieces. Those that were made to find out a size are compressed, until somebody reads
// them: who asks for a size often reads then, and no entry is decoded twice.
type linesCache struct {
	mu     sync.Mutex // protects what follows
	read   pieceList  // the one that was last asked for is last
	packed pieceList  // the newest is last
}

type pieceKey struct {
	text   *linesText
	number int
}

type cachedPiece struct {
	pieceKey
	cost int // in bytes; protected by the cache's mu

	making sync.Mutex // protects what follows
	made   bool
	lines  []byte
	packed []byte // them compressed; nil: that was not kept
}

// Limits of a cache, in bytes.
const (
	maxReadLines   = 16 << 20
	maxPackedLines = 8 << 20
	pieceCost      = 4 << 10 // of a piece, beside its bytes: it bounds how many there are
)

// get gives a piece, which must not be changed. The first who asks for it makes it, and the
// others wait.
func (c *linesCache) get(key pieceKey, fill func() ([]byte, error)) ([]byte, error) {
	p := c.use(key)
	p.making.Lock()
	defer p.making.Unlock()
	if p.made {
		return p.lines, nil
	}
	var err error
	if p.packed != nil {
		p.lines, err = s2.Decode(nil, p.packed)
	} else {
		p.lines, err = fill()
	}
	if err != nil {
		return nil, err
	}
	p.made, p.packed = true, nil
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.read.list, p) {
		c.read.grow(p, len(p.lines), maxReadLines)
	}
	return p.lines, nil
}

// use finds a piece, or makes room for it.
func (c *linesCache) use(key pieceKey) *cachedPiece {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.read.take(key)
	if p == nil {
		p = &cachedPiece{pieceKey: key, cost: pieceCost}
		if left := c.packed.take(key); left != nil {
			p.packed = left.packed
		}
	}
	c.read.add(p, maxReadLines)
	return p
}

// leave keeps a piece that was made to find out a size, compressed. It returns what that
// costs.
func (c *linesCache) leave(key pieceKey, packed []byte) (cost int) {
	p := &cachedPiece{pieceKey: key, cost: pieceCost + len(packed), packed: packed}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.packed.add(p, maxPackedLines)
	return p.cost
}

// pieceList has the pieces that are to go first at its beginning.
type pieceList struct {
	list []*cachedPiece
	cost int // of all
}

// take removes a piece from the list, or returns nil.
func (l *pieceList) take(key pieceKey) *cachedPiece {
	i := slices.IndexFunc(l.list, func(p *cachedPiece) bool { return p.pieceKey == key })
	if i < 0 {
		return nil
	}
	p := l.list[i]
	l.list = slices.Delete(l.list, i, i+1)
	l.cost -= p.cost
	return p
}

// add adds a piece at the end. The first go if those behind them cost more than most: one can
// be a very long line, which is not to be decoded again for each READ.
func (l *pieceList) add(p *cachedPiece, most int) {
	l.list = append(l.list, p)
	l.cost += p.cost
	l.grow(p, 0, most)
}

// grow notes that a piece in the list costs more.
func (l *pieceList) grow(p *cachedPiece, by, most int) {
	p.cost += by
	l.cost += by
	gone := 0
	for ; gone < len(l.list) && l.cost-l.list[gone].cost > most; gone++ {
		l.cost -= l.list[gone].cost
	}
	l.list = slices.Delete(l.list, 0, gone)
}
