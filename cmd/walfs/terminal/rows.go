package terminal

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Rows are rows of a name and a text. Texts begin in one column, and end where the
// terminal does, or go on in the next line.
type Rows struct{ rows []row }

type row struct {
	name, text string
	colour     func(string) string // nil: none
	whole      bool                // takes more lines rather than end in …
}

// Add adds a row.
func (r *Rows) Add(name, format string, args ...any) {
	r.rows = append(r.rows, row{name: name, text: fmt.Sprintf(format, args...)})
}

// AddWhole adds a row of which nothing is cut. Its colour is one such as Out.Problem, or
// nil for none.
func (r *Rows) AddWhole(colour func(string) string, name, format string, args ...any) {
	r.rows = append(r.rows, row{name, fmt.Sprintf(format, args...), colour, true})
}

// Print prints all of them.
func (r *Rows) Print(out *Out) error {
	column := 0
	for _, row := range r.rows {
		column = max(column, Width(row.name)+2)
	}
	if out.Columns > 0 { // the texts have at least half of the line
		column = min(column, max(out.Columns/2, 3))
	}
	b := bufio.NewWriter(out)
	for _, row := range r.rows {
		name := row.name
		if out.Columns > 0 {
			name = Cut(name, column-2)
		}
		lines := []string{out.CutAfter(column, row.text)}
		if row.whole {
			lines = out.Lines(column, row.text)
		}
		for _, line := range lines {
			if row.colour != nil {
				line = row.colour(line)
			}
			fmt.Fprintf(b, "%s%*s%s\n", name, column-Width(name), "", line)
			name = ""
		}
	}
	return b.Flush()
}

// Lines are a text's words in as many lines as it takes, where that many columns of each are
// taken.
func (o *Out) Lines(taken int, text string) []string {
	if o.Columns == 0 {
		return []string{text}
	}
	return Wrap("", text, max(o.Columns-taken, 1))
}

// Wrap gives the lines of a text, the first of which begins with head. The others begin
// below the text. A word that is longer than a line goes on in the next one.
func Wrap(head, text string, columns int) (lines []string) {
	room := columns
	if head != "" {
		room -= Width(head) + 1
	}
	line, empty := head, head == ""
	for word := range strings.FieldsSeq(text) {
		for _, part := range parts(word, room) {
			if !empty && Width(line)+1+Width(part) > columns {
				lines = append(lines, line)
				line = strings.Repeat(" ", len(head))
				empty = head == ""
			}
			if !empty {
				line += " "
			}
			line, empty = line+part, false
		}
	}
	return append(lines, line)
}

// parts cuts a word into parts of at most that many columns, which fill a line each but
// for the last one.
func parts(word string, columns int) (parts []string) {
	for Width(word) > columns {
		part := runewidth.Truncate(word, columns, "")
		if part == "" { // a wide letter, and one column
			break
		}
		parts, word = append(parts, part), word[len(part):]
	}
	return append(parts, word)
}
