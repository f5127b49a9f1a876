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
// a program decodes.
func (decodedFolder) list(t *Tree, after uint64, fn func(Dirent) bool) {
	program := t.isProgram()
	b := borrowBuffers()
	defer b.giveBack()
	var a Attr
	for e := range t.log.Entries(after + 1) {
		if !hasNode(&e) {
			continue
		}
		d := Dirent{Name: numberName(e.Index) + decodedSuffix, Node: nodeOf(kindDecoded, &e), Cookie: e.Index}
		if !program {
			var err error
			b.text, err = t.appendDecoded(b.text[:0], &e, &b.payloads)
			switch {
			case err == nil:
				a = t.decodedAttr(d.Node, &e, b.text)
				d.Attr = &a
			case !errors.Is(err, walcore.ErrChanged):
				continue // it never could be read; a look-up tells why
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
	if !ok || !isNumber {
		return 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	e, err := t.entryNamed(index)
	if err != nil {
		return 0, err
	}
	if t.isProgram() {
		f := &decodedFile{e, (*Tree).appendDecoded}
		if errors.Is(f.withText(t, func([]byte) {}), payload.ErrPaused) {
			return nodeOf(kindNotAsked, &e), nil
		}
	}
	return nodeOf(kindDecoded, &e), nil
}
