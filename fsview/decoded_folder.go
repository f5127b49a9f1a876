package fsview

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
)

const decodedSuffix = ".json"

// decodedFolder has every entry as a person reads it.
type decodedFolder struct{}

func (decodedFolder) attr(t *Tree, n Node) (Attr, error) { return folderAttr(t, n), nil }

// To list a size takes decoding. That is cheap and saves a look-up for each file, unless
// a program decodes or the entry is large.
func (decodedFolder) list(t *Tree, after uint64, fn func(Dirent) bool) {
	program := t.isProgram()
	b := borrowBuffers()
	defer b.giveBack()
	var a Attr
	var first [1]byte // of a payload
	for e := range t.log.Entries(after + 1) {
		if !hasNode(&e) {
			continue
		}
		f := decodedFile{e, nodeOf(kindDecoded, &e)}
		d := Dirent{Name: numberName(e.Index) + decodedSuffix, Node: f.node, Cookie: e.Index}
		size, known := t.textSize(f.node)
		var err error
		switch {
		case known || program:
		case f.isLarge():
			_, err = f.ReadAt(first[:], 0)
		default:
			b.text, err = f.appendTo(t, b.text[:0], &b.payloads)
			size, known = int64(len(b.text)), err == nil
		}
		if err != nil && !errors.Is(err, walcore.ErrChanged) {
			continue // it never could be read; a look-up tells why
		}
		if known {
			a = t.decodedAttr(&f, size)
			d.Attr = &a
		}
		if !fn(d) {
			return
		}
	}
}

func (decodedFolder) lookup(t *Tree, name string) (Node, error) {
	number, ok := strings.CutSuffix(name, decodedSuffix)
	index, _, isNumber := parseNumber(number)
	if !ok || !isNumber {
		return 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	e, err := t.entryNamed(index)
	if err != nil {
		return 0, err
	}
	if t.isProgram() {
		f := &decodedFile{e, nodeOf(kindDecoded, &e)}
		if errors.Is(f.withText(t, func([]byte) {}), payload.ErrPaused) {
			return nodeOf(kindNotAsked, &e), nil
		}
	}
	return nodeOf(kindDecoded, &e), nil
}
