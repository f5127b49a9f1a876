package terminal

import (
	"strings"
	"testing"
)

// TestCut: what fits stays, and what does not ends in "…", by the columns that it takes
// and not by bytes or runes.
func TestCut(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"", 1, ""},
		{"five5", 5, "five5"},
		{"sixsix", 5, "sixs…"},
		{"dürür", 5, "dürür"},
		{"日本語", 6, "日本語"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
		{"any", 1, "…"},
	} {
		if got := Cut(c.text, c.columns); got != c.want {
			t.Errorf("%q in %d columns: %q, want %q", c.text, c.columns, got, c.want)
		}
		if got := Width(Cut(c.text, c.columns)); got > c.columns {
			t.Errorf("%q in %d columns takes %d", c.text, c.columns, got)
		}
	}
}

// TestNoTerminal: what is no terminal gets everything, and no colours.
func TestNoTerminal(t *testing.T) {
	var w strings.Builder
	o := To(&w, false)
	long := strings.Repeat("long ", 100)
	if got := o.Problem(o.Cut(long)); got != long {
		t.Errorf("it gets %q", got)
	}
	if Is(&w) || Columns(&w) != 80 {
		t.Errorf("a terminal: %t, with %d columns", Is(&w), Columns(&w))
	}
}
