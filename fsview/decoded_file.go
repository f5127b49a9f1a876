package fsview

import (
	"github.com/walfs/walfs/walcore"

	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/walfs/walfs/walcore/membership"
	"github.com/walfs/walfs/walcore/payload"
)

// decodedCache keeps texts that are costly to make again: long ones, which are
// read in pieces, and a program's. It holds two generations: when the younger
// is full, the older goes.
type decodedCache struct {
	mu         sync.Mutex // protects what follows
	young, old map[Node][]byte
	bytes      int // in young
}

const (
	decodedGeneration = 8 << 20
	longText          = 64 << 10
)

func (c *decodedCache) get(n Node) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, ok := c.young[n]
	if !ok {
		text, ok = c.old[n]
	}
	return text, ok
}

func (c *decodedCache) put(n Node, text []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || c.bytes+len(text) > decodedGeneration {
		c.old, c.young, c.bytes = c.young, map[Node][]byte{}, 0
	}
	c.young[n] = text
	c.bytes += len(text)
}

// isProgram reports whether decoding asks a program, which takes its time.
func (t *Tree) isProgram() bool {
	_, is := t.decoding.given.(*payload.Program)
	return is
}

// buffers are what a payload is read with and decoded to.
type buffers struct {
	payloads walcore.Scanner
	text     []byte
}

var spareBuffers = sync.Pool{New: func() any { return new(buffers) }}

// borrow gives buffers that nobody else uses until they are given back.
func borrow() *buffers {
	b := spareBuffers.Get().(*buffers)
	b.payloads.Reset()
	return b
}

func (b *buffers) giveBack() { spareBuffers.Put(b) }

// appendDecoded appends an entry's text to dst. payloads saves system calls
// where one text comes after the other. It fails with payload.ErrPaused while a
// program is not asked: what it would say then is another node's text.
func (t *Tree) appendDecoded(dst []byte, e *walcore.Entry, payloads *walcore.Scanner) ([]byte, error) {
	n := nodeOf(kindDecoded, e)
	if text, ok := t.decoding.cache.get(n); ok {
		return append(dst, text...), nil
	}
	data, err := payloads.Data(e)
	if err != nil {
		return dst, err
	}
	start := len(dst)
	// A program that fails says so in the text. That is kept like an answer: a
	// reader has been told the text's size.
	dst, err = t.decoding.decoder(t.log).AppendJSON(dst, payload.EntryOf(e, data))
	if errors.Is(err, payload.ErrPaused) {
		return dst[:start], err
	}
	if text := dst[start:]; len(text) >= longText || t.isProgram() {
		t.decoding.cache.put(n, bytes.Clone(text))
	}
	return dst, nil
}

// appendNotAsked appends what stands for an entry's text while a program is not
// asked.
func (t *Tree) appendNotAsked(dst []byte, e *walcore.Entry, payloads *walcore.Scanner) ([]byte, error) {
	p, is := t.decoding.given.(*payload.Program)
	if !is {
		return dst, fs.ErrNotExist
	}
	data, err := payloads.Data(e)
	if err != nil {
		return dst, err
	}
	return p.AppendNotAsked(dst, payload.EntryOf(e, data)), nil
}

// withDecoded calls fn with the text of an entry's node, which is good until it
// returns.
func (t *Tree) withDecoded(n Node, e *walcore.Entry, fn func(text []byte)) error {
	b := borrow()
	defer b.giveBack()
	text := t.appendDecoded
	if n.kind() == kindNotAsked {
		text = t.appendNotAsked
	}
	var err error
	if b.text, err = text(b.text[:0], e, &b.payloads); err != nil {
		return err
	}
	fn(b.text)
	return nil
}

// membersText is meta/members: a line a member, or a note where the log has
// configuration changes that are not Raft's, or does not tell what is committed:
// neither is damage.
func membersText(log walcore.Log) ([]byte, error) {
	members, err := membership.Replay(log)
	if errors.Is(err, membership.ErrMisfit) || errors.Is(err, membership.ErrNotKnown) {
		return fmt.Appendf(nil, "# unknown: %v\n", err), nil
	}
	if err != nil {
		return nil, err
	}
	var b []byte
	for _, m := range members {
		b = fmt.Appendln(b, m)
	}
	return b, nil
}
