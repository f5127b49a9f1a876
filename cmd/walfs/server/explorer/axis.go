package explorer

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/status"
)

// axis is the indexes that a drawing shows, from left to right. Places on it are in per cent
// of the drawing's width: it is as wide as the page lets it be, and its texts keep their size.
type axis struct{ First, Last uint64 }

// at is where an index begins; beyond the ends it is the end.
func (a axis) at(index uint64) float64 {
	if index <= a.First {
		return 0
	}
	return 100 * min(float64(index-a.First)/(float64(a.Last-a.First)+1), 1)
}

func percent(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) + "%" }

// rect is a rectangle of a drawing.
type rect struct {
	X, Width string
	Class    string
	Title    string
	Label    string // in the middle of it
	Middle   string
	Wide     bool // the label has room in a wide window only
}

// span is the rectangle of indexes, both ends included. It is wide enough to be seen.
func (a axis) span(first, last uint64) rect {
	const seen = .4
	x, end := a.at(first), a.at(last+1)
	if end-x < seen {
		x = min(x, 100-seen)
		end = x + seen
	}
	return rect{X: percent(x), Width: percent(end - x), Middle: percent((x + end) / 2)}
}

// Widths of drawings, in pixels: what a window of 400 has room for, and a wide one.
const (
	narrow = 340
	wide   = 900
)

// label puts a text into a rectangle of indexes, where it has room.
func (a axis) label(r *rect, first, last uint64, text string) {
	part := (a.at(last+1) - a.at(first)) / 100
	switch need := textWidth(text) + 6; {
	case part*narrow >= need:
		r.Label = text
	case part*wide >= need:
		r.Label, r.Wide = text, true
	}
}

// textWidth is about how many pixels a text takes.
func textWidth(text string) float64 { return 6.8 * float64(utf8.RuneCountInString(text)) }

// maxSpans is about how many spans of terms are drawn. Where there are more, short ones that
// follow one another are one.
const maxSpans = 200

// terms are the spans of terms as rectangles.
func (a axis) terms(spans []walcore.TermSpan) []rect {
	var rects []rect
	draw := func(run []walcore.TermSpan) {
		if len(run) == 0 {
			return
		}
		first, last := run[0], run[len(run)-1]
		r := a.span(first.First, last.Last)
		if len(run) > 1 {
			r.Class = "terms"
			r.Title = fmt.Sprintf("%s terms, %s to %s: entries %s to %s", grouped(len(run)), status.Grouped(first.Term), status.Grouped(last.Term),
				status.Grouped(first.First), status.Grouped(last.Last))
			a.label(&r, first.First, last.Last, status.Grouped(first.Term)+"–"+status.Grouped(last.Term))
		} else {
			r.Class = termClass(first.Term)
			r.Title = fmt.Sprintf("term %s: entries %s to %s", status.Grouped(first.Term), status.Grouped(first.First), status.Grouped(first.Last))
			a.label(&r, first.First, first.Last, "term "+status.Grouped(first.Term))
		}
		rects = append(rects, r)
	}
	short := 0.0
	if len(spans) > maxSpans {
		short = 200 / float64(maxSpans) // twice as wide as each would be
	}
	from := 0 // where a run of short ones begins
	for i, s := range spans {
		if a.at(s.Last+1)-a.at(s.First) >= short {
			draw(spans[from:i])
			draw(spans[i : i+1])
			from = i + 1
		} else if a.at(s.Last+1)-a.at(spans[from].First) >= short {
			draw(spans[from : i+1])
			from = i + 1
		}
	}
	draw(spans[from:])
	return rects
}

func grouped(n int) string { return status.Grouped(uint64(n)) }

// mark is an index with a name, above the bar.
type mark struct {
	Index uint64
	Text  string
	X     string
	End   bool // the text ends at X; otherwise it begins there
	Y     int  // the text's
	Line  int  // where the line down to the bar begins

	from, to float64 // of the text in a narrow window
}

// rowHeight is how high a row of marks is.
const rowHeight = 17

// marks lays out marks, so that no text lies on another one even in a narrow window, and gives
// the number of rows. Marks of one index are one.
func (a axis) marks(list []mark) (laid []mark, rows int) {
	for _, m := range list {
		if i := slices.IndexFunc(laid, func(l mark) bool { return l.Index == m.Index }); i >= 0 {
			laid[i].Text += ", " + m.Text
		} else {
			laid = append(laid, m)
		}
	}
	for i := range laid {
		m := &laid[i]
		x := a.at(m.Index + 1)
		m.X, m.End = percent(x), x > 50
		m.Text += " " + status.Grouped(m.Index)
		if m.Index > a.Last {
			m.Text += " →"
		} else if m.Index+1 < a.First {
			m.Text = "← " + m.Text
		}
		m.from = x / 100 * narrow
		m.to = m.from + textWidth(m.Text)
		if m.End {
			m.from, m.to = m.from-textWidth(m.Text), m.from
		}
	}
	// Nearest to the bar are the texts that others' lines do not have to go through: of those
	// that begin at their line the rightmost one, of the others the leftmost one.
	slices.SortStableFunc(laid, func(m, n mark) int {
		switch {
		case m.End != n.End:
			return boolInt(m.End) - boolInt(n.End)
		case m.End:
			return int(m.to - n.to)
		}
		return int(n.from - m.from)
	})
	row := make([]int, len(laid))
	for i, m := range laid {
		for j := 0; j < i; j++ {
			if row[j] == row[i] && m.from < laid[j].to+8 && laid[j].from < m.to+8 {
				row[i]++
				j = -1 // in the next row, all of them again
			}
		}
		rows = max(rows, row[i]+1)
	}
	for i := range laid {
		laid[i].Line = (rows - 1 - row[i]) * rowHeight
		laid[i].Y = laid[i].Line + 12
	}
	return laid, rows
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
