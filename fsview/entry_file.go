package fsview

import (
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/walfs/walfs/walcore"
)

// entryFile is an entry's payload.
type entryFile struct{ walcore.Entry }

func (f *entryFile) attr(t *Tree, n Node) (Attr, error) {
	if n.kind() == kindReplaced {
		return t.replacedAttr(&f.Entry), nil
	}
	return t.entryAttr(&f.Entry), nil
}

func (f *entryFile) readAt(_ *Tree, p []byte, off int64) (int, error) { return f.ReadAt(p, off) }

func (f *entryFile) payloadSize() int64 { return f.Size }

func (f *entryFile) appendTo(_ *Tree, dst []byte, payloads *walcore.Scanner) ([]byte, error) {
	data, err := payloads.Data(&f.Entry)
	return append(dst, data...), err
}

// entry finds the entry whose file, or text, n is.
func (t *Tree) entry(n Node) (walcore.Entry, error) {
	if n.kind() == kindReplaced {
		return t.replacedEntry(n)
	}
	e, err := t.log.Entry(n.index())
	if err == nil && nodeOf(n.kind(), &e) != n {
		return e, fmt.Errorf("entry %d is another one now: %w", e.Index, fs.ErrNotExist)
	}
	return e, err
}

// entryNamed finds the entry that is in the tree under an index.
func (t *Tree) entryNamed(index uint64) (walcore.Entry, error) {
	e, err := t.log.Entry(index)
	switch {
	case err == nil && !hasNode(&e):
		return e, noNodeError(fmt.Sprintf("entry %d of term %d", index, e.Term))
	case err != nil && index > maxNumber:
		return e, fmt.Errorf("entry %d: %w", index, fs.ErrNotExist)
	}
	return e, err
}

// entryAttr takes no memory that has to be freed: a folder can hold millions of entries.
func (t *Tree) entryAttr(e *walcore.Entry) Attr {
	a := fileAttr(nodeOf(kindEntry, e), e.Size, &e.File.Attr, t.entryTime(e))
	a.Links = t.links
	a.Committed, a.CommitUnknown = e.Index <= t.commit, t.commitUnknown
	if _, known := t.log.Meta().System.TypeName(e.Type); !known {
		a.Links--
	}
	return a
}

// entryTime is when an entry was appended, if the log tells. Otherwise it is when the
// entry's log file was created, with the term in the nanoseconds, so that another
// leader's entry has another time.
func (t *Tree) entryTime(e *walcore.Entry) time.Time {
	if at, stored := e.Time(); stored {
		return at
	}
	return time.Unix(e.File.Attr.Born.Unix(), int64(e.Term%1e9))
}

// CanReadAhead reports whether n is one of many files that follow one another and are
// cheap to read before anybody asks. What a program decodes is not cheap.
func (t *Tree) CanReadAhead(n Node) bool {
	return n.kind() == kindEntry || n.kind() == kindDecoded && !t.isProgram()
}

// Property is something to know of an entry beside its bytes.
type Property struct{ Name, Value string }

// Properties are those of the entry whose file n is: its term and index, its type
// under the name that types/ has, its log file, and where in that file it is. Other
// nodes have none.
func (t *Tree) Properties(n Node) ([]Property, error) {
	if n.kind() != kindEntry {
		return nil, nil
	}
	e, err := t.entry(n)
	if err != nil {
		return nil, err
	}
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	typeName, _ := t.log.Meta().System.TypeName(e.Type)
	return []Property{
		{"term", number(e.Term)},
		{"index", number(e.Index)},
		{"type", typeName.Name},
		{"file", e.File.Name},
		{"offset", number(e.Offset)},
	}, nil
}
