package fsview

import (
	"github.com/walfs/walfs/walcore"

	"strconv"
)

// Property is something to know of an entry beside its bytes.
type Property struct{ Name, Value string }

// Properties are those of the entry whose file n is: term and index, its type as
// types/ has it, its log file, and where in that it is. Other nodes have none.
func (t *Tree) Properties(n Node) ([]Property, error) {
	if n.kind() != kindEntry {
		return nil, nil
	}
	e, err := t.entry(n)
	if err != nil {
		return nil, err
	}
	return t.properties(&e), nil
}

func (t *Tree) properties(e *walcore.Entry) []Property {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	typeName, _ := t.log.Meta().System.TypeName(e.Type)
	return []Property{
		{"term", number(e.Term)},
		{"index", number(e.Index)},
		{"type", typeName.Name},
		{"file", e.File.Name},
		{"offset", number(e.Offset)},
	}
}
