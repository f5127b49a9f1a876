package main

import (
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/terminal"
)

// TestGrid: names are to the left and numbers to the right, bars fit, and a name of any
// length costs no row but its own.
func TestGrid(t *testing.T) {
	long := strings.Repeat("n", 1<<20)
	for _, test := range []struct {
		columns int
		names   []string
		want    string
	}{
		{0, []string{"a", "größe"}, "NAME   N\na      5\ngröße  5\n"},
		{20, []string{"a", "größe"}, "NAME   N\na      5  █████████▉\ngröße  5  ▏\n"},
		{11, []string{"a", "größe"}, "NAME   N\na      5\ngröße  5\n"},
		{7, []string{"a", "größe"}, "NAME  …\na     …\ngröße …\n"},
		{20, []string{"a", long}, "NAME               N\na                  5\n" + strings.Repeat("n", 16) + "…  5\n"},
		{0, []string{"a", long}, "NAME" + strings.Repeat(" ", 98) + "N\na" + strings.Repeat(" ", 101) + "5\n" + long + "  5\n"},
	} {
		g := grid{heads: []string{"NAME", "N"}}
		g.add(0.999, test.names[0], "5")
		g.add(1e-9, test.names[1], "5")
		var b strings.Builder
		g.print(&terminal.Out{Writer: &b, Columns: test.columns})
		if b.String() != test.want {
			t.Errorf("%d columns: %.300q, want %.300q", test.columns, b.String(), test.want)
		}
	}
}
