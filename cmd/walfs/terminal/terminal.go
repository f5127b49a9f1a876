// Package terminal makes text fit the terminal it is printed on, and colours it.
//
//	out := terminal.To(stdout, wide)
//	fmt.Fprintln(out, out.Problem(out.Cut(line)))
//
// What is no terminal, such as a pipe or a file, gets every character and no colours: a
// program reads it. The same code prints for both.
package terminal

import (
	"io"
	"os"

	"github.com/fatih/color"
	"github.com/mattn/go-runewidth"
	"github.com/spf13/pflag"
	"github.com/walfs/walfs/walcore/platform"
)

// usualColumns is the width of a terminal that does not tell its own.
const usualColumns = 80

// Out is what a command prints to.
type Out struct {
	io.Writer
	// Columns is where lines end. 0: nowhere, all of them is wanted.
	Columns int

	problem, warning *color.Color
}

// To prints to w. With wide, lines are not cut on a terminal either.
func To(w io.Writer, wide bool) *Out {
	o := &Out{Writer: w, problem: color.New(color.FgRed), warning: color.New(color.FgYellow)}
	columns, is := width(w)
	if is && !wide {
		o.Columns = columns
	}
	for _, c := range []*color.Color{o.problem, o.warning} {
		if is && os.Getenv("TERM") != "dumb" && os.Getenv("NO_COLOR") == "" {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
	}
	return o
}

// width reports whether w is a terminal, and its columns.
func width(w io.Writer) (columns int, is bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	if columns, is = platform.TerminalColumns(f); is && columns == 0 {
		columns = usualColumns
	}
	return columns, is
}

// Is reports whether w is a terminal.
func Is(w io.Writer) bool {
	_, is := width(w)
	return is
}

// Columns is how wide text for w may be: usualColumns where w is no terminal.
func Columns(w io.Writer) int {
	if columns, is := width(w); is {
		return columns
	}
	return usualColumns
}

// Cut is as much of a line as the terminal shows in one. Colours come after it: their codes
// would be counted.
func (o *Out) Cut(line string) string { return o.CutAfter(0, line) }

// CutAfter is as much of a text as fits in the line where that many columns are taken.
// One column at least is for the text: it is seen then that there is one.
func (o *Out) CutAfter(taken int, text string) string {
	if o.Columns == 0 {
		return text
	}
	return Cut(text, max(o.Columns-taken, 1))
}

// Problem colours what says that something is damaged, after it was cut.
func (o *Out) Problem(text string) string { return o.problem.Sprint(text) }

// Warning colours what says that logs differ, and what else somebody should look at,
// after it was cut.
func (o *Out) Warning(text string) string { return o.warning.Sprint(text) }

// Width is how many columns a text takes.
func Width(text string) int { return runewidth.StringWidth(text) }

// Cut is a text in at most that many columns. What was cut ends in "…".
func Cut(text string, columns int) string { return runewidth.Truncate(text, columns, "…") }

// AddWide adds the flag of commands that cut lines.
func AddWide(flags *pflag.FlagSet, wide *bool) {
	flags.BoolVar(wide, "wide", false, "cut no lines that are wider than the terminal")
}
