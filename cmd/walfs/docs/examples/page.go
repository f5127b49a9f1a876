// Package examples runs the commands that README.md and the pages in cmd/walfs/docs show,
// so that what they print there is what they print.
package examples

import (
	"slices"
	"strings"
)

const (
	indent = "    "
	prompt = indent + "$ "
)

// Example is a command that a page shows, and what it prints.
type Example struct {
	Command string
	Output  string // with a newline at its end, or empty
	Line    int    // of the command, from 1 on
	from    int    // the output are the page's lines from, ... to-1
	to      int
}

// Page is a text in Markdown. An example is a line that is indented and begins with "$ ";
// a backslash at its end joins the next one to it. The indented lines behind it are what
// the command prints.
type Page struct {
	Examples []Example
	lines    []string
}

// Parse finds a page's examples.
func Parse(text string) *Page {
	p := &Page{lines: strings.Split(text, "\n")}
	for i := 0; i < len(p.lines); i++ {
		command, found := strings.CutPrefix(p.lines[i], prompt)
		if !found {
			continue
		}
		e := Example{Line: i + 1, from: i + 1}
		for strings.HasSuffix(command, `\`) && e.from < len(p.lines) {
			command += "\n" + strings.TrimPrefix(p.lines[e.from], indent)
			e.from++
		}
		e.Command = command
		e.to = p.outputEnd(e.from)
		for _, line := range p.lines[e.from:e.to] {
			e.Output += strings.TrimPrefix(line, indent) + "\n"
		}
		p.Examples = append(p.Examples, e)
		i = e.to - 1
	}
	return p
}

// outputEnd is where output ends that begins at a line: before the next command, or behind
// the last line that is indented. Empty lines between two indented ones are part of it.
func (p *Page) outputEnd(at int) int {
	end := at
	for i := at; i < len(p.lines); i++ {
		line := p.lines[i]
		if line == "" {
			continue
		}
		if !strings.HasPrefix(line, indent) || strings.HasPrefix(line, prompt) {
			break
		}
		end = i + 1
	}
	return end
}

// Replace puts other output behind the example with this number.
func (p *Page) Replace(n int, output string) {
	e := &p.Examples[n]
	var lines []string
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\n")
		if line != "" {
			line = indent + line
		}
		lines = append(lines, line)
	}
	moved := len(lines) - (e.to - e.from)
	p.lines = slices.Replace(p.lines, e.from, e.to, lines...)
	e.to += moved
	e.Output = output
	for i := n + 1; i < len(p.Examples); i++ {
		later := &p.Examples[i]
		later.Line += moved
		later.from += moved
		later.to += moved
	}
}

// String is the page's text.
func (p *Page) String() string { return strings.Join(p.lines, "\n") }

// Blocks are the indented parts of a text, without their indentation.
func Blocks(text string) (blocks []string) {
	block, blank := "", ""
	for line := range strings.Lines(text + "\n.") {
		body, inside := strings.CutPrefix(line, indent)
		switch {
		case inside:
			block += blank + body
			blank = ""
		case line == "\n" && block != "":
			blank += line
		case block != "":
			blocks = append(blocks, block)
			block, blank = "", ""
		}
	}
	return blocks
}
