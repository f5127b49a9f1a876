package explorer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/walfs/walfs/walcore/status"
)

// hexDump is bytes as a page shows them, with the parts that they have marked.
type hexDump struct {
	ID      string // of its element
	Title   string
	Note    string
	Parts   []hexPart
	Lines   []hexLine
	Earlier string // address of the bytes before them; "": there are none
	Later   string
}

// hexPart is a run of bytes that mean something.
type hexPart struct {
	Key      string // its class: one letter, which the legend shows
	Name     string
	Value    string // what it says
	From, To int64  // behind the last byte
}

// Where is where the part lies, in words.
func (p hexPart) Where() string {
	first, last := status.Grouped(uint64(p.From)), status.Grouped(uint64(p.To-1))
	if first == last {
		return first
	}
	return first + " to " + last
}

// hexLine is 16 bytes: two halves, which stand below one another where there is little room.
type hexLine struct{ Halves []hexHalf }

// hexHalf is 8 bytes.
type hexHalf struct {
	Offset string
	Runs   []hexRun
}

// hexRun is bytes of a half that belong to one part, or to none.
type hexRun struct{ Key, Name, Hex, Text string }

const (
	hexLineBytes = 16
	hexHalfBytes = 8
)

// lines lays out bytes of which the first one is at an offset.
func hexLines(b []byte, at int64, parts []hexPart) []hexLine {
	var lines []hexLine
	for line := range slices.Chunk(b, hexLineBytes) {
		var l hexLine
		for half := range slices.Chunk(line, hexHalfBytes) {
			l.Halves = append(l.Halves, hexHalf{fmt.Sprintf("%08x", at), hexRuns(half, at, parts)})
			at += int64(len(half))
		}
		lines = append(lines, l)
	}
	return lines
}

// hexRuns cuts a half where parts begin and end.
func hexRuns(b []byte, at int64, parts []hexPart) []hexRun {
	var runs []hexRun
	for len(b) > 0 {
		n := len(b)
		run := hexRun{}
		for _, p := range parts {
			switch {
			case p.From <= at && at < p.To:
				run.Key, run.Name = p.Key, p.Name
				n = min(n, int(p.To-at))
			case p.From > at:
				n = int(min(int64(n), p.From-at))
			}
		}
		run.Hex, run.Text = hexBytes(b[:n]), hexText(b[:n])
		runs = append(runs, run)
		b, at = b[n:], at+int64(n)
	}
	return runs
}

// hexBytes writes bytes with a space behind each.
func hexBytes(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		fmt.Fprintf(&s, "%02x ", c)
	}
	return s.String()
}

// hexText writes the characters that bytes are in ASCII, and dots for others.
func hexText(b []byte) string {
	text := slices.Clone(b)
	for i, c := range text {
		if c < ' ' || c > '~' {
			text[i] = '.'
		}
	}
	return string(text)
}
