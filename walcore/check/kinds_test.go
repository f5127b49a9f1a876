package check

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore"
)

var rewrite = flag.Bool("rewrite", false, "write KINDS.md")

// kindConstants are the values of walcore's constants of type Kind, by their source.
func kindConstants(t *testing.T) (kinds []walcore.Kind) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../problem.go", nil, 0)
	fixture.Must(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Kind" {
			return true
		}
		for _, v := range spec.Values {
			name, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			fixture.Must(t, err)
			kinds = append(kinds, walcore.Kind(name))
		}
		return true
	})
	return kinds
}

// TestEveryKindHasAMeaning: one row for each constant, with all that a row says.
func TestEveryKindHasAMeaning(t *testing.T) {
	rows := map[walcore.Kind]int{}
	for _, m := range Kinds {
		rows[m.Kind]++
		if m.Title == "" || m.Dgraph == "" || m.Storage == "" || m.Repair == "" || m.Payload && !m.Entry || m.Note && m.Effect != Unnoticed {
			t.Errorf("%s: %+v", m.Kind, m)
		}
	}
	kinds := kindConstants(t)
	if len(kinds) < 24 {
		t.Fatalf("only %v were found", kinds)
	}
	for _, k := range kinds {
		if rows[k] != 1 {
			t.Errorf("%s has %d rows in Kinds", k, rows[k])
		}
		delete(rows, k)
	}
	if len(rows) > 0 {
		t.Errorf("%v are no kinds", rows)
	}
	if m := MeaningOf("of_a_newer_reader"); m.Note || m.Effect != Refused {
		t.Errorf("an unknown kind: %+v", m)
	}
}

const kindsHead = `# Kinds of problems

What ` + "`walfs check`" + ` finds, as ` + "`problems[].kind`" + ` in its JSON and in status.json. Written by
` + "`go test ./walcore/check -run TestKindsTable -rewrite`" + ` from kindtable.go.

"In short" is what a verdict says of a node of Dgraph's. It holds for an entry that a node reads: not for a payload
that the snapshot stands for. Kinds without it are notes: the directory is sound with them.

| kind | what is wrong | in short | Dgraph | DiskStorage | walfs repair |
|---|---|---|---|---|---|
`

// TestKindsTable: KINDS.md is what Kinds says.
func TestKindsTable(t *testing.T) {
	var b strings.Builder
	b.WriteString(kindsHead)
	for _, m := range Kinds {
		short := strings.TrimPrefix(m.Effect.String(), "a node ")
		if m.Note {
			short = ""
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", m.Kind, m.Title, short, m.Dgraph, m.Storage, m.Repair)
	}
	if *rewrite {
		fixture.WriteFile(t, "KINDS.md", []byte(b.String()))
	}
	if string(fixture.ReadFile(t, "KINDS.md")) != b.String() {
		t.Error("KINDS.md is not what kindtable.go says: run go test ./walcore/check -run TestKindsTable -rewrite, and read it")
	}
}
