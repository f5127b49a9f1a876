package payload_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/walfs/walfs/walcore/payload"
)

// TestKinds: Kinds has each Kind constant, once.
func TestKinds(t *testing.T) {
	var want []string
	for _, name := range []string{"summary.go", "facts.go", "facts_etcd.go", "summary_hashicorp.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if c, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(c.Names[0].Name, "Kind") {
				kind, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, kind)
			}
			return true
		})
	}
	got := payload.Kinds()
	slices.Sort(got)
	slices.Sort(want)
	if len(want) < 20 || !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}
