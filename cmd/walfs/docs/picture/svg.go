package main

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// line is one in a terminal: a command that was typed, or what one has printed.
type line struct {
	text  string
	typed bool
}

const (
	columns    = 92
	fontSize   = 14
	charWidth  = fontSize * 0.6 // of most monospaced fonts
	lineHeight = 20
	border     = 20
	title      = 36 // the window's bar
)

// terminal draws a terminal's window. It is dark with a light edge, so that it can be read
// on a light page and on a dark one.
func terminal(lines []line) string {
	width := columns*fontSize*6/10 + 2*border
	height := title + len(lines)*lineHeight + border
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" role="img">
<title>A terminal: walfs mount, ls of the tree, and a grep that finds entries</title>
<style>
text { font: %[3]dpx ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #c9d1d9; white-space: pre }
.prompt { fill: #3fb950 }
.typed { fill: #ffffff; font-weight: bold }
</style>
<rect x="0.5" y="0.5" width="%[4]d" height="%[5]d" rx="8" fill="#161b22" stroke="#6e7681"/>
`, width, height, fontSize, width-1, height-1)
	for i, colour := range []string{"#ff5f57", "#febc2e", "#28c840"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="18" r="6" fill="%s"/>`+"\n", border+20*i, colour)
	}
	for i, l := range lines {
		y := title + i*lineHeight + fontSize
		if l.typed {
			span(&b, 0, y, "prompt", "$")
			span(&b, 2, y, "typed", l.text)
		} else {
			span(&b, 0, y, "", l.text)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// span writes text from a column on. Its length is given, so that columns are columns
// whatever font there is.
func span(b *strings.Builder, column, y int, class, text string) {
	text = strings.TrimRight(text, " ")
	if text == "" {
		return
	}
	if class != "" {
		class = fmt.Sprintf(` class="%s"`, class)
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%d" textLength="%.1f"%s xml:space="preserve">%s</text>`+"\n",
		border+float64(column)*charWidth, y, float64(utf8.RuneCountInString(text))*charWidth, class, html.EscapeString(text))
}
