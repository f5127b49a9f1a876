package fsview

import (
	"container/list"
	"sync"
)

// textCache keeps texts that are costly to make again: long ones, which are read in
// pieces, and a program's. Those that were not read for longest go first. It keeps the
// sizes of many more.
type textCache struct {
	// making is held while a large entry is read and decoded, so that no two of them
	// are in memory at once, and two readers of one text make it once.
	making sync.Mutex

	mu    sync.Mutex // protects what follows
	texts map[Node]*list.Element
	order list.List // of *cachedText, the one that was read last in front
	bytes int
	sizes sizeTable
}

type cachedText struct {
	node Node
	body []byte
	// claimed is from where on Tree.StoreText has given it to somebody.
	claimed int64
}

const (
	// maxCached bounds what the texts in the cache take, in bytes, but that the newest is
	// there whatever it takes.
	maxCached = 48 << 20
	longText  = 64 << 10
	// StorePiece is the size of the pieces of Tree.StoreText, but for the last.
	StorePiece = 2 << 20
)

// get gives a text. It must not be changed.
func (c *textCache) get(n Node) (text []byte, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.texts[n]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cachedText).body, true
}

// put keeps a text, which the caller must not change any more.
func (c *textCache) put(n Node, text []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.texts[n]; ok {
		return // another reader was faster
	}
	if c.texts == nil {
		c.texts = map[Node]*list.Element{}
	}
	c.texts[n] = c.order.PushFront(&cachedText{n, text, int64(len(text))})
	c.bytes += cap(text) + textCost
	c.sizes.put(n, int64(len(text)))
	c.shrink(1)
}

// makeRoom drops a text that takes more than all others may.
func (c *textCache) makeRoom() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shrink(0)
}

// shrink drops texts beyond the bound, but for so many. The caller has locked c.mu.
func (c *textCache) shrink(keep int) {
	for c.bytes > maxCached && c.order.Len() > keep {
		x := c.order.Remove(c.order.Back()).(*cachedText)
		delete(c.texts, x.node)
		c.bytes -= cap(x.body) + textCost
	}
}

// claim gives a text up to where the part begins that was claimed before, and claims what
// is behind off.
func (c *textCache) claim(n Node, off int64) (text []byte, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.texts[n]
	if !ok {
		return nil, false
	}
	x := e.Value.(*cachedText)
	text = x.body[:x.claimed]
	x.claimed = min(off, x.claimed)
	return text, true
}

// demote makes a text the first to go.
func (c *textCache) demote(n Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.texts[n]; ok {
		c.order.MoveToBack(e)
	}
}

// size tells the size of a text that is in the cache, or was.
func (c *textCache) size(n Node) (size int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sizes.get(n)
}

// sizeTable remembers the sizes of texts. When the newer half is full, it becomes the
// older half, and what was in that goes.
type sizeTable struct{ newer, older map[Node]int64 }

// maxSizes bounds either half, which takes some 300 kB then.
const maxSizes = 8192

func (s *sizeTable) get(n Node) (size int64, ok bool) {
	if size, ok = s.newer[n]; !ok {
		size, ok = s.older[n]
	}
	return size, ok
}

func (s *sizeTable) put(n Node, size int64) {
	if s.newer == nil || len(s.newer) >= maxSizes {
		s.older, s.newer = s.newer, map[Node]int64{}
	}
	s.newer[n] = size
}
