package httpfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/walfs/walfs/fsview"
)

// pieceSize is how much of a file is read at once. There is room for a byte more, see fill.
const pieceSize = 64 << 10

var pieces = sync.Pool{New: func() any { return new([pieceSize + 1]byte) }}

// content is a file's bytes as an io.ReaderAt, with the size that the client was told.
type content struct {
	ctx     context.Context
	h       *handler
	node    fsview.Node
	name    string
	size    int64
	decodes bool

	mu     sync.Mutex // protects what follows: where there are several ranges, a goroutine reads
	room   *[pieceSize + 1]byte
	piece  []byte // in room
	at     int64  // where the piece begins
	err    error  // the first one
	closed bool
}

func newContent(ctx context.Context, h *handler, p *place) *content {
	return &content{ctx: ctx, h: h, node: p.node, name: p.name, size: p.attr.Size, decodes: p.decodes()}
}

// failed is why bytes could not be read, or nil.
func (c *content) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// close gives back the room. The goroutine may still be there: from now on it does not look at
// the tree.
func (c *content) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room != nil {
		pieces.Put(c.room)
	}
	c.room, c.piece, c.closed = nil, nil, true
}

func (c *content) ReadAt(p []byte, off int64) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, fs.ErrClosed
	}
	for n < len(p) {
		if off >= c.size {
			return n, io.EOF
		}
		if off < c.at || off >= c.at+int64(len(c.piece)) {
			if err := c.fill(off); err != nil {
				c.err = err
				return n, err
			}
		}
		k := copy(p[n:], c.piece[off-c.at:])
		n += k
		off += int64(k)
	}
	return n, nil
}

// fill reads the piece from off on. If it is the last one, it asks for a byte more than the
// file should have: with other bytes than when its size was told, it may be longer.
func (c *content) fill(off int64) error {
	if c.room == nil {
		c.room = pieces.Get().(*[pieceSize + 1]byte)
	}
	c.piece = c.piece[:0]
	want, ask := min(pieceSize, c.size-off), min(pieceSize, c.size-off+1)
	var n int
	err := c.h.decoding(c.ctx, c.decodes, func() (err error) {
		n, err = c.h.view.ReadAt(c.node, c.room[:ask], off)
		return err
	})
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return gone(err)
	case int64(n) != want:
		return fmt.Errorf("%s had %d bytes: %w", c.name, c.size, errGone)
	}
	c.piece, c.at = c.room[:n], off
	return nil
}
