package fsview

import "sync"

// decodedCache keeps texts that are costly to make again: long ones, which are read in
// pieces, and a program's. When the newer half is full, it becomes the older half, and
// what was in that goes.
type decodedCache struct {
	mu           sync.Mutex // protects what follows
	newer, older map[Node][]byte
	bytes        int // in newer
}

const (
	decodedHalf = 8 << 20 // bytes
	longText    = 64 << 10
)

func (c *decodedCache) get(n Node) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, ok := c.newer[n]
	if !ok {
		text, ok = c.older[n]
	}
	return text, ok
}

func (c *decodedCache) put(n Node, text []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newer == nil || c.bytes+len(text) > decodedHalf {
		c.older, c.newer, c.bytes = c.newer, map[Node][]byte{}, 0
	}
	c.newer[n] = text
	c.bytes += len(text)
}
