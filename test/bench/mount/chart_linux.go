package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// What draws the picture: for each log a panel, in it a line for each step, and on that a
// mark for each system where its time is, in times of ext4's. The scale is logarithmic, so
// that twice as fast and twice as slow are as far from ext4.
const (
	chartWidth = 860
	marksFrom  = 190 // left of it are the names of steps
	marksTo    = 830
	rowHeight  = 22
	least      = 0.1 // the ends of the scale, in times of ext4's time
	most       = 100
)

// compared has the colour of each system. Its mark has a shape too.
var compared = []struct{ system, colour string }{
	{"walfs", "#3fb950"}, {"squashfuse_ll", "#58a6ff"}, {"fuse-zip", "#d29922"},
}

// draw makes an SVG. It is dark with a light edge, so that it can be read on a light page
// and on a dark one.
func draw(all []*results) string {
	var body strings.Builder
	y := 60
	for _, r := range all {
		y = r.panel(&body, y)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" role="img">
<title>How long programs take on a walfs mount and on mounted archives, in times of what they take on plain files</title>
<style>
text { font: 13px system-ui, "DejaVu Sans", Helvetica, Arial, sans-serif; fill: #c9d1d9 }
.title { fill: #ffffff; font-weight: bold }
.small { font-size: 11px; fill: #9da7b1 }
.end { text-anchor: end } .middle { text-anchor: middle }
</style>
<rect x="0.5" y="0.5" width="%[3]d" height="%[4]d" rx="8" fill="#161b22" stroke="#6e7681"/>
`, chartWidth, y, chartWidth-1, y-1)
	b.WriteString(`<text x="20" y="28" class="title">Times as long as plain files on ext4 (left of 1 is faster)</text>` + "\n")
	x := 470
	for i, c := range compared {
		mark(&b, i, x, 24)
		fmt.Fprintf(&b, `<text x="%d" y="28">%s</text>`+"\n", x+12, c.system)
		x += 60 + 8*len(c.system)
	}
	b.WriteString(body.String())
	b.WriteString("</svg>\n")
	return b.String()
}

// panel draws one log from y on, and gives where it ends.
func (r *results) panel(b *strings.Builder, y int) int {
	fmt.Fprintf(b, `<text x="20" y="%d" class="title">%s entries: the %d files in %s/</text>`+"\n", y, r.size.name, r.size.files(), r.size.folder)
	from := y + 14
	to := from + rowHeight*len(steps())
	for _, tick := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100} {
		colour := "#30363d"
		if tick == 1 {
			colour = "#c9d1d9"
		}
		fmt.Fprintf(b, `<line x1="%[1]d" x2="%[1]d" y1="%[2]d" y2="%[3]d" stroke="%[4]s"/>`+"\n", position(tick), from, to, colour)
		fmt.Fprintf(b, `<text x="%d" y="%d" class="small middle">%g×</text>`+"\n", position(tick), to+14, tick)
	}
	for row, step := range steps() {
		at := from + rowHeight*row + rowHeight/2
		fmt.Fprintf(b, `<text x="%d" y="%d" class="end">%s</text>`+"\n", marksFrom-16, at+4, html.EscapeString(step))
		for i, c := range compared {
			if ratio, ok := r.ratio(c.system, systems[0].name, step); ok {
				mark(b, i, position(ratio), at)
			}
		}
	}
	return to + 44
}

// position is where a ratio is on the scale. One beyond an end is at that end.
func position(ratio float64) int {
	share := math.Log(ratio/least) / math.Log(most/least)
	return marksFrom + int(math.Round(min(max(share, 0), 1)*(marksTo-marksFrom)))
}

// mark draws a system's: a disc, a square or a triangle.
func mark(b *strings.Builder, i, x, y int) {
	colour := compared[i].colour
	switch i {
	case 0:
		fmt.Fprintf(b, `<circle cx="%d" cy="%d" r="6" fill="%s"/>`+"\n", x, y, colour)
	case 1:
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="10" height="10" fill="%s"/>`+"\n", x-5, y-5, colour)
	default:
		fmt.Fprintf(b, `<path d="M%d %dl6 11h-12z" fill="%s"/>`+"\n", x, y-6, colour)
	}
}
