package main

import (
	"fmt"
	"strings"

	"github.com/walfs/walfs/cmd/walfs/terminal"
)

// grid is a table of names and numbers, on a terminal with a bar for each row.
type grid struct {
	heads []string // of the name, and of the numbers
	rows  [][]string
	bars  []float64 // from 0 to 1
}

func (g *grid) add(bar float64, cells ...string) {
	g.rows, g.bars = append(g.rows, cells), append(g.bars, bar)
}

// How many columns of a terminal a bar has, if there is one; how many a name has that is cut
// for a bar, and one that is cut for the numbers.
const (
	fewestBar, mostBar = 8, 30
	nameBesideBar      = 24
	fewestName         = 12
)

// mostAligned is how many columns of a pipe names have. One that is longer moves its own
// numbers, not those of all rows: a hostile name has megabytes.
const mostAligned = 100

// print prints the names to the left and numbers to the right of their columns.
func (g *grid) print(out *terminal.Out) {
	widths := make([]int, len(g.heads))
	for _, row := range append([][]string{g.heads}, g.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], terminal.Width(cell))
		}
	}
	bar := 0
	if out.Columns == 0 {
		widths[0] = min(widths[0], mostAligned)
	} else {
		room := out.Columns
		for _, w := range widths[1:] {
			room -= w + 2
		}
		widths[0] = min(widths[0], max(room-2-fewestBar, nameBesideBar), max(room, fewestName))
		bar = min(room-widths[0]-2, mostBar)
	}
	g.line(out, widths, g.heads, "")
	for i, row := range g.rows {
		g.line(out, widths, row, barText(g.bars[i], bar))
	}
}

func (g *grid) line(out *terminal.Out, widths []int, cells []string, bar string) {
	var b strings.Builder
	for i, cell := range cells {
		if i == 0 {
			if out.Columns > 0 {
				cell = terminal.Cut(cell, widths[0])
			}
			b.WriteString(cell + strings.Repeat(" ", max(widths[0]-terminal.Width(cell), 0)))
			continue
		}
		b.WriteString(strings.Repeat(" ", 2+widths[i]-terminal.Width(cell)) + cell)
	}
	if bar != "" {
		b.WriteString("  " + bar)
	}
	fmt.Fprintln(out, out.Cut(b.String()))
}

// eighths are what a bar can end in.
var eighths = []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}

// barText is a bar of at most that many columns. What is not nothing has some of one.
func barText(part float64, columns int) string {
	const block = "█"
	if part <= 0 || columns < fewestBar {
		return ""
	}
	n := max(int(part*8*float64(columns/terminal.Width(block))), 1)
	return strings.Repeat(block, n/8) + eighths[n%8]
}
