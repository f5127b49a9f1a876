package terminal

import (
	"bufio"
	"fmt"
)

// Rows are rows of a name and a text. Texts begin in one column, and end where the
// terminal does.
type Rows struct{ rows []row }

type row struct {
	name, text string
	colour     func(string) string // nil: none
}

// Add adds a row.
func (r *Rows) Add(name, format string, args ...any) {
	r.AddColoured(nil, name, format, args...)
}

// AddColoured adds a row whose text has a colour, such as Out.Problem.
func (r *Rows) AddColoured(colour func(string) string, name, format string, args ...any) {
	r.rows = append(r.rows, row{name, fmt.Sprintf(format, args...), colour})
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
		text := out.CutAfter(column, row.text)
		if row.colour != nil {
			text = row.colour(text)
		}
		fmt.Fprintf(b, "%s%*s%s\n", name, column-Width(name), "", text)
	}
	return b.Flush()
}
