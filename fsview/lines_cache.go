package fsview

import (
	"bytes"
	"slices"
	"sync"
)

// linesCache keeps pieces of lines. A kernel asks for a file's bytes in order, for several
// READs at a time, and most READs have bytes of two pieces.
type linesCache struct {
	mu    sync.Mutex     // protects what follows
	list  []*cachedPiece // the one that was last asked for is last
	bytes int
}

type cachedPiece struct {
	text   *linesText
	number int
	size   int // 0: it has not been made

	making sync.Mutex // protects what follows
	made   bool
	lines  []byte
}

const (
	maxLinesBytes  = 16 << 20
	maxLinesPieces = 256
)

// get gives a piece, which must not be changed. The first who asks for it makes it, and the
// others wait.
func (c *linesCache) get(x *linesText, number int, make func() ([]byte, error)) ([]byte, error) {
	p := c.use(x, number)
	p.making.Lock()
	defer p.making.Unlock()
	if p.made {
		return p.lines, nil
	}
	lines, err := make()
	if err != nil {
		return nil, err
	}
	p.made, p.lines = true, lines
	c.grow(p, len(lines))
	return lines, nil
}

// use finds a piece, or makes room for it.
func (c *linesCache) use(x *linesText, number int) *cachedPiece {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &cachedPiece{text: x, number: number}
	if i := slices.IndexFunc(c.list, func(have *cachedPiece) bool { return have.text == x && have.number == number }); i >= 0 {
		p = c.list[i]
		c.list = slices.Delete(c.list, i, i+1)
	}
	c.list = append(c.list, p)
	return p
}

// grow notes the size of a piece that has been made. Those that nobody has asked for since
// long ago go.
func (c *linesCache) grow(p *cachedPiece, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.list, p) {
		p.size = size
		c.bytes += size
	}
	gone := 0
	for bytes := c.bytes; gone < len(c.list)-1 && (bytes > maxLinesBytes || len(c.list)-gone > maxLinesPieces); gone++ {
		bytes -= c.list[gone].size
	}
	for _, p := range c.list[:gone] {
		c.bytes -= p.size
	}
	c.list = slices.Delete(c.list, 0, gone)
}

// leave keeps a piece of a text whose size is being found out, if it is near the beginning:
// who asks for a size often reads then.
func (c *linesCache) leave(x *linesText, number int, lines []byte) {
	if x.size+int64(len(lines)) > maxLinesBytes/2 {
		return
	}
	// It cannot fail.
	_, _ = c.get(x, number, func() ([]byte, error) { return bytes.Clone(lines), nil })
}
