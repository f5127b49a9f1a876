package explorer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/status"
)

// sideBySide is the entries that logs have at an index.
type sideBySide struct {
	Index   uint64
	Columns []column
	Byte    *int // the first at which two payloads differ
}

// column is what one log has there.
type column struct {
	Name      string
	Term      uint64
	Type      string
	Size      int64
	Committed string
	Missing   string // why there is no entry, or why it cannot be read
	Lines     []line
	Cut       bool // there are more lines

	data []byte
	all  []string // the whole lines
}

// line is one of an entry's decoded text.
type line struct {
	Text    string
	Differs bool
}

// What is decoded and shown at most: the payload of an entry, those of all entries, the lines of
// all texts, and of each line.
const (
	maxPayload  = 1 << 20
	maxPayloads = 8 << 20
	maxLines    = 1000
	maxLine     = 1000
)

// entriesAt reads and decodes the entries with an index.
func (x *explorer) entriesAt(ctx context.Context, index uint64, moments []*replica.Moment) (*sideBySide, error) {
	release, err := x.set.Decode(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	s := &sideBySide{Index: index}
	room := int64(maxPayloads)
	for _, now := range moments {
		c := entryAt(index, now, min(maxPayload, room))
		room -= int64(len(c.data))
		s.Columns = append(s.Columns, c)
	}
	for i, a := range s.Columns {
		for _, b := range s.Columns[i+1:] {
			if a.data == nil || b.data == nil || bytes.Equal(a.data, b.data) {
				continue
			}
			if n := commonBytes(a.data, b.data); s.Byte == nil || n < *s.Byte {
				s.Byte = &n
			}
		}
	}
	markLines(s.Columns)
	for i := range s.Columns {
		s.Columns[i].data, s.Columns[i].all = nil, nil
	}
	return s, nil
}

func commonBytes(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

func entryAt(index uint64, now *replica.Moment, room int64) column {
	c := column{Name: now.Replica.Name}
	e, err := now.Log.Entry(index)
	if err != nil {
		c.Missing = missing(index, now.Log, err)
		return c
	}
	m := now.Log.Meta()
	name, _ := m.System.TypeName(e.Type)
	c.Term, c.Type, c.Size, c.Committed = e.Term, name.Name, e.Size, "not known whether committed"
	if m.HardState != nil {
		c.Committed = map[bool]string{true: "committed", false: "not committed"}[index <= m.HardState.Commit]
	}
	if e.Size > room {
		c.Missing = "Too large to be shown here."
		return c
	}
	if c.data, err = e.AppendData([]byte{}); err != nil {
		c.data, c.Missing = nil, "Cannot be read: "+err.Error()
		return c
	}
	text, err := now.Decoder().AppendJSON(nil, payload.EntryOf(&e, c.data))
	if err != nil {
		c.Missing = "Cannot be decoded: " + err.Error()
		return c
	}
	c.all = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	return c
}

// missing says why a log has no entry.
func missing(index uint64, log walcore.Log, err error) string {
	if !errors.Is(err, walcore.ErrNoEntry) {
		return "Cannot be read: " + err.Error()
	}
	switch s := standingOf(log); {
	case s.Last == 0:
		return "The log has no entries."
	case index > s.Last:
		return fmt.Sprintf("The log ends before, at %s.", status.Grouped(s.Last))
	case s.Snapshot != nil && index <= *s.Snapshot:
		return fmt.Sprintf("No longer in the log: the snapshot at %s stands for it.", status.Grouped(*s.Snapshot))
	}
	return "There is no such entry."
}

// markLines marks the lines in which texts differ from the first one, and in that one the lines
// that one of the others does not have.
func markLines(columns []column) {
	var first *column
	most := maxLines / len(columns)
	for i := range columns {
		c := &columns[i]
		if c.all == nil {
			continue
		}
		c.Cut = len(c.all) > most
		for _, text := range c.all[:min(len(c.all), most)] {
			c.Lines = append(c.Lines, line{Text: cutLine(text)})
		}
		if first == nil {
			first = c
			continue
		}
		ofFirst, own := differing(first.all, c.all)
		for i := range first.Lines {
			first.Lines[i].Differs = first.Lines[i].Differs || ofFirst[i]
		}
		for i := range c.Lines {
			c.Lines[i].Differs = own[i]
		}
	}
}

func cutLine(text string) string {
	if len(text) <= maxLine {
		return text
	}
	n := maxLine
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}

// differing tells which lines of two texts are not in the other one, in their order.
func differing(a, b []string) (inA, inB []bool) {
	inA, inB = make([]bool, len(a)), make([]bool, len(b))
	from := 0
	for from < min(len(a), len(b)) && a[from] == b[from] {
		from++
	}
	n, m := len(a), len(b)
	for n > from && m > from && a[n-1] == b[m-1] {
		n, m = n-1, m-1
	}
	if (n-from)*(m-from) > 1<<18 { // too many to find out what they have in common
		for i := from; i < n; i++ {
			inA[i] = true
		}
		for j := from; j < m; j++ {
			inB[j] = true
		}
		return inA, inB
	}
	// most[i][j] is how many lines a[i:n] and b[j:m] have in common.
	most := make([][]int, n-from+1)
	for i := range most {
		most[i] = make([]int, m-from+1)
	}
	for i := n - 1; i >= from; i-- {
		for j := m - 1; j >= from; j-- {
			at := &most[i-from][j-from]
			if a[i] == b[j] {
				*at = most[i-from+1][j-from+1] + 1
			} else {
				*at = max(most[i-from+1][j-from], most[i-from][j-from+1])
			}
		}
	}
	i, j := from, from
	for i < n || j < m {
		switch {
		case i < n && j < m && a[i] == b[j]:
			i, j = i+1, j+1
		case j == m || i < n && most[i-from+1][j-from] >= most[i-from][j-from+1]:
			inA[i] = true
			i++
		default:
			inB[j] = true
			j++
		}
	}
	return inA, inB
}
