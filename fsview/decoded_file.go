package fsview

import (
	"bytes"
	"errors"
	"io/fs"
	"sync"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

// decodedFile is the text that says what an entry means.
type decodedFile struct {
	walcore.Entry
	makeText func(t *Tree, dst []byte, e *walcore.Entry, payloads *walcore.Scanner) ([]byte, error)
}

func (f *decodedFile) attr(t *Tree, n Node) (a Attr, err error) {
	err = f.withText(t, func(text []byte) { a = t.decodedAttr(n, &f.Entry, text) })
	return a, err
}

func (f *decodedFile) readAt(t *Tree, p []byte, off int64) (n int, end error) {
	if err := f.withText(t, func(text []byte) { n, end = readText(text, p, off) }); err != nil {
		return 0, err
	}
	return n, end
}

func (f *decodedFile) payloadSize() int64 { return f.Size }

func (f *decodedFile) appendTo(t *Tree, dst []byte, payloads *walcore.Scanner) ([]byte, error) {
	return f.makeText(t, dst, &f.Entry, payloads)
}

// withText calls fn with the text, which is good until fn returns.
func (f *decodedFile) withText(t *Tree, fn func(text []byte)) error {
	b := borrowBuffers()
	defer b.giveBack()
	var err error
	if b.text, err = f.appendTo(t, b.text[:0], &b.payloads); err != nil {
		return err
	}
	fn(b.text)
	return nil
}

func (t *Tree) decodedAttr(n Node, e *walcore.Entry, text []byte) Attr {
	a := t.entryAttr(e)
	a.Inode = n.inode()
	a.Size = int64(len(text))
	a.Blocks = blocks(a.Size)
	a.Links = 1
	return a
}

// appendDecoded appends an entry's text to dst. payloads saves system calls if one
// entry is read after the other. It fails with payload.ErrPaused while a program that
// hangs is not asked: what stands for the text then has another node.
func (t *Tree) appendDecoded(dst []byte, e *walcore.Entry, payloads *walcore.Scanner) ([]byte, error) {
	n := nodeOf(kindDecoded, e)
	if text, ok := t.decoding.cache.get(n); ok {
		return append(dst, text...), nil
	}
	data, err := payload.Data(payloads, e)
	if err != nil {
		return dst, err
	}
	start := len(dst)
	// If a program fails, the text says so. It is cached like any other text: a reader
	// who knows its size must find a text of that size.
	dst, err = t.decoding.decoder(t.log).AppendJSON(dst, payload.EntryOf(e, data))
	if errors.Is(err, payload.ErrPaused) {
		return dst[:start], err
	}
	if text := dst[start:]; len(text) >= longText || t.isProgram() {
		t.decoding.cache.put(n, bytes.Clone(text))
	}
	return dst, nil
}

// appendNotAsked appends what stands for an entry's text while a program that hangs is
// not asked.
func (t *Tree) appendNotAsked(dst []byte, e *walcore.Entry, payloads *walcore.Scanner) ([]byte, error) {
	p, ok := t.program()
	if !ok {
		return dst, fs.ErrNotExist
	}
	data, err := payload.Data(payloads, e)
	if err != nil {
		return dst, err
	}
	return p.AppendNotAsked(dst, payload.EntryOf(e, data)), nil
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
