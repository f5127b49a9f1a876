package fsview

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/walfs/walfs/walcore"

	"github.com/walfs/walfs/walcore/payload"
)

const decodedSuffix = ".json"

// decodedFolder has every entry as a person reads it.
type decodedFolder struct{}

func (decodedFolder) attr(t *Tree, n Node) (Attr, error) { return folderAttr(t, n), nil }

func (decodedFolder) list(t *Tree, after uint64, fn func(Dirent) bool) {
	// A size takes decoding. That is cheap, and saves a look-up a file, unless
	// a program does it.
	program := t.isProgram()
	b := borrow()
	defer b.giveBack()
	var a Attr
	for e := range t.log.Entries(after + 1) {
		d := Dirent{Name: numberName(e.Index) + decodedSuffix, Node: nodeOf(kindDecoded, &e), Cookie: e.Index}
		if !program {
			var err error
			b.text, err = t.appendDecoded(b.text[:0], &e, &b.payloads)
			switch {
			case err == nil:
				a = t.decodedAttr(d.Node, &e, b.text)
				d.Attr = &a
			case !errors.Is(err, walcore.ErrChanged): // what was there keeps its name
				continue // a look-up tells why
			}
		}
		if !fn(d) {
			return
		}
	}
}

func (decodedFolder) lookup(t *Tree, name string) (Node, error) {
	number, ok := strings.CutSuffix(name, decodedSuffix)
	index, _, isNumber := parseNumber(number)
	if !ok || !isNumber || index > walcore.MaxNumber {
		return 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	e, err := t.log.Entry(index)
	if err != nil {
		return 0, err
	}
	n := nodeOf(kindDecoded, &e)
	if t.isProgram() && errors.Is(t.withDecoded(n, &e, func([]byte) {}), payload.ErrPaused) {
		n = nodeOf(kindNotAsked, &e)
	}
	return n, nil
}

func (t *Tree) decodedAttr(n Node, e *walcore.Entry, text []byte) Attr {
	a := t.entryAttr(e)
	a.Inode = n.inode()
	a.Size = int64(len(text))
	a.Blocks = blocks(a.Size)
	a.Links = 1
	return a
}

// readText is ReadAt of a text.
func readText(text, p []byte, off int64) (int, error) {
	if off >= int64(len(text)) {
		return 0, io.EOF
	}
	n := copy(p, text[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
