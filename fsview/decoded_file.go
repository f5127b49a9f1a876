package fsview

import (
	"bytes"
	"errors"
	"io/fs"
	"runtime"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// decodedFile is the text that says what an entry means. While a program that hangs is
// not asked, something else stands for it, under a node of another kind.
type decodedFile struct {
	walcore.Entry
	node Node
}

func (f *decodedFile) attr(t *Tree, _ Node) (a Attr, err error) {
	if size, ok := t.textSize(f.node); ok {
		return t.decodedAttr(f, size), nil
	}
	err = f.withText(t, func(text []byte) { a = t.decodedAttr(f, int64(len(text))) })
	return a, err
}

func (f *decodedFile) readAt(t *Tree, p []byte, off int64) (n int, end error) {
	if err := f.withText(t, func(text []byte) { n, end = readText(text, p, off) }); err != nil {
		return 0, err
	}
	return n, end
}

func (f *decodedFile) payloadSize() int64 { return f.Size }

// withText calls fn with the text, which is good until fn returns.
func (f *decodedFile) withText(t *Tree, fn func(text []byte)) error {
	text, ok := t.decoding.cache.get(f.node)
	var err error
	switch {
	case ok:
	case f.isLarge():
		text, err = f.largeText(t)
	default:
		b := borrowBuffers()
		defer b.giveBack()
		b.text, err = f.appendTo(t, b.text[:0], &b.payloads)
		text = b.text
	}
	if err != nil {
		return err
	}
	fn(text)
	return nil
}

const (
	// A largeEntry is decoded on its own, and not to list the size of its text.
	largeEntry = 256 << 10
	// A hugeEntry takes so long to decode that tidying up before it does not count.
	hugeEntry = 4 << 20
)

// isLarge reports whether it is the text of a large entry that is decoded.
func (f *decodedFile) isLarge() bool { return f.Size > largeEntry && f.Size <= payload.MaxData }

// largeText makes the text of a large entry, in memory that nothing keeps but the cache.
func (f *decodedFile) largeText(t *Tree) ([]byte, error) {
	c := &t.decoding.cache
	c.making.Lock()
	defer c.making.Unlock()
	if text, ok := c.get(f.node); ok {
		return text, nil
	}
	c.makeRoom()
	if f.Size > hugeEntry {
		runtime.GC() // it takes some milliseconds, and frees what the entry before took
	}
	size, known := t.textSize(f.node)
	if !known {
		size = f.Size + f.Size/8 + 4<<10 // as much as one large value takes
	}
	text, err := f.decode(t, make([]byte, 0, size), new(walcore.Scanner))
	if err == nil && f.isKept(t, text) {
		c.put(f.node, text)
	}
	return text, err
}

// appendTo appends the text to dst. payloads saves system calls if one entry is read
// after the other.
func (f *decodedFile) appendTo(t *Tree, dst []byte, payloads *walcore.Scanner) ([]byte, error) {
	c := &t.decoding.cache
	if text, ok := c.get(f.node); ok {
		return append(dst, text...), nil
	}
	start := len(dst)
	dst, err := f.decode(t, dst, payloads)
	if text := dst[start:]; err == nil && f.isKept(t, text) {
		c.put(f.node, bytes.Clone(text))
	}
	return dst, err
}

// decode is appendTo without the cache. It fails with payload.ErrPaused while a program
// that hangs is not asked: what stands for the text then has another node.
func (f *decodedFile) decode(t *Tree, dst []byte, payloads *walcore.Scanner) ([]byte, error) {
	data, err := payload.Data(payloads, &f.Entry)
	if err != nil {
		return dst, err
	}
	e := payload.EntryOf(&f.Entry, data)
	if f.node.kind() == kindNotAsked {
		p, ok := t.program()
		if !ok {
			return dst, fs.ErrNotExist
		}
		return p.AppendNotAsked(dst, e), nil
	}
	start := len(dst)
	dst, err = t.Decoder().AppendJSON(dst, e)
	if errors.Is(err, payload.ErrPaused) {
		return dst[:start], err
	}
	return dst, nil // if a program fails, the text says so
}

// isKept reports whether a text is to be kept. That of a program is, even if the program
// failed: a reader who knows its size must find a text of that size.
func (f *decodedFile) isKept(t *Tree, text []byte) bool {
	return f.node.kind() == kindDecoded && (len(text) >= longText || t.isProgram())
}

// textSize is the size of a text, where that is known without making it. A program may
// say something else each time.
func (t *Tree) textSize(n Node) (size int64, ok bool) {
	if t.isProgram() {
		return 0, false
	}
	return t.decoding.cache.size(n)
}

// StoreText is for a caller with a cache of its own. If the text of an entry is a long one
// and in memory, it is given to store: from byte off on, in pieces that begin at multiples
// of StorePiece, and without what earlier calls gave, until store returns false. Then it
// is the first text to be dropped. One that had to be made again is given again.
func (t *Tree) StoreText(n Node, off int64, store func(off int64, piece []byte) bool) {
	c := &t.decoding.cache
	off &^= StorePiece - 1
	text, ok := c.claim(n, off)
	for ; ok && off < int64(len(text)); off += StorePiece {
		if !store(off, text[off:min(off+StorePiece, int64(len(text)))]) {
			break
		}
	}
	c.demote(n)
}

func (t *Tree) decodedAttr(f *decodedFile, size int64) Attr {
	a := t.entryAttr(&f.Entry)
	a.Inode = f.node.inode()
	a.Size = size
	a.Blocks = blocks(a.Size)
	a.Links = 1
	return a
}

// buffers are what a payload is read with, and what it is decoded to.
type buffers struct {
	payloads walcore.Scanner
	text     []byte
}

var spareBuffers = sync.Pool{New: func() any { return new(buffers) }}

// borrowBuffers gives buffers that nobody else uses until they are given back.
func borrowBuffers() *buffers {
	b := spareBuffers.Get().(*buffers)
	b.payloads.Reset()
	return b
}

func (b *buffers) giveBack() { spareBuffers.Put(b) }
