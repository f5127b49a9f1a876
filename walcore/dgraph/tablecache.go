package dgraph

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/walfs/walfs/walcore/format"
)

// mostCached is how many bytes of tables a directory's readers hold in memory, but for those that stay.
// The garbage collector lets them take twice as much. A table of 30,000 entries takes 60 KB
// with its sizes, and 240 KB with checksums.
const mostCached = 8 << 20

// tableCache holds the tables of lazily read files, those that were used last.
type tableCache struct {
	most  int // bytes
	clock atomic.Uint64

	mu    sync.Mutex
	bytes int
	held  map[*lazyTable]int // what each takes
}

// use says that a table is in use.
func (c *tableCache) use(t *lazyTable) { t.used.Store(c.clock.Add(1)) }

// put holds a table that was read, and drops others if they take too much with it.
func (c *tableCache) put(t *lazyTable, l *LogFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.use(t)
	t.loaded.Store(l)
	c.drop(t)
	if c.held == nil {
		c.held = map[*lazyTable]int{}
	}
	c.held[t] = l.memory()
	c.bytes += c.held[t]
	for c.bytes > c.most && len(c.held) > 1 {
		oldest := t
		for other := range c.held {
			if other.used.Load() < oldest.used.Load() {
				oldest = other
			}
		}
		if oldest == t { // all others were used since
			break
		}
		c.drop(oldest)
		oldest.loaded.Store(nil)
	}
}

// keep drops the tables of files that are not among the given ones.
func (c *tableCache) keep(files []*lazyFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t := range c.held {
		if !slices.ContainsFunc(files, func(f *lazyFile) bool { return f.table == t }) {
			c.drop(t)
			t.loaded.Store(nil)
		}
	}
}

// drop takes a table's bytes off.
func (c *tableCache) drop(t *lazyTable) {
	c.bytes -= c.held[t]
	delete(c.held, t)
}

// memory is about how many bytes the file takes in memory.
func (l *LogFile) memory() int {
	const slotBits = (format.SlotsPerFile + 7) / 8
	return l.PackedSlots.Memory() + l.sizes.column.Memory() + slotBits + 200*(len(l.problems.list)+len(l.sizesProblems.list)) + 1<<10
}
