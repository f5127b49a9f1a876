package explorer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/walfs/walfs/walcore"
)

// TestAxis: an index is where it belongs, also at the largest ones, and beyond the ends it is
// the end.
func TestAxis(t *testing.T) {
	for _, test := range []struct {
		axis
		index uint64
		want  float64
	}{
		{axis{1, 100}, 1, 0}, {axis{1, 100}, 51, 50}, {axis{1, 100}, 101, 100}, {axis{1, 100}, 0, 0}, {axis{1, 100}, 1e15, 100},
		{axis{1_000_000_007, 1_000_000_008}, 1_000_000_008, 50}, {axis{7, 7}, 7, 0}, {axis{7, 7}, 8, 100},
		{axis{0, walcore.MaxNumber}, 1 << 43, 50},
	} {
		if got := test.at(test.index); got != test.want {
			t.Errorf("%v: %d is at %v, want %v", test.axis, test.index, got, test.want)
		}
	}
}

// TestTermSpans: however many terms there are, some hundred spans are drawn, and each term is in
// one of them.
func TestTermSpans(t *testing.T) {
	for _, n := range []int{1, 7, 200, 201, 5000} {
		for _, even := range []bool{true, false} {
			var spans []walcore.TermSpan
			index := uint64(1)
			for i := range n {
				size := uint64(3)
				if !even && i%50 == 0 {
					size = 1000
				}
				spans = append(spans, walcore.TermSpan{Term: uint64(i + 1), First: index, Last: index + size - 1})
				index += size
			}
			rects := axis{1, index - 1}.terms(spans)
			if len(rects) > 401 || n <= maxSpans && len(rects) != n {
				t.Errorf("%d terms are %d spans", n, len(rects))
			}
			next := "1 "
			for _, r := range rects { // "… entries FIRST to LAST"
				_, text, _ := strings.Cut(strings.ReplaceAll(r.Title, ",", ""), "entries ")
				if !strings.HasPrefix(text, next) {
					t.Fatalf("%d terms: %q does not begin at %s", n, r.Title, next)
				}
				_, last, _ := strings.Cut(text, " to ")
				end, _ := strconv.Atoi(last)
				next = fmt.Sprint(end+1) + " "
			}
			if next != fmt.Sprint(index)+" " {
				t.Errorf("%d terms: the last span ends before %s", n, next)
			}
		}
	}
}

// TestMarksDoNotOverlap: in the narrowest window no two texts do, wherever the marks are.
func TestMarksDoNotOverlap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a := axis{1, 1 + random.Uint64N(1<<random.IntN(44))}
		var list []mark
		for _, name := range []string{"snapshot", "applied", "commit", "last"} {
			list = append(list, mark{Index: 1 + random.Uint64N(a.Last), Text: name})
		}
		laid, rows := a.marks(slices.Clone(list))
		for i, m := range laid {
			if m.Y > rows*rowHeight || m.Line < 0 {
				t.Fatalf("%v: %+v lies outside of %d rows", a, m, rows)
			}
			for _, other := range laid[:i] {
				if m.Y == other.Y && m.from < other.to && other.from < m.to {
					t.Fatalf("%v: %+v lies on %+v", a, m, other)
				}
			}
		}
	}
}

// TestMarksOfOneIndex are one.
func TestMarksOfOneIndex(t *testing.T) {
	laid, rows := axis{1, 9}.marks([]mark{{Index: 9, Text: "commit"}, {Index: 9, Text: "last"}, {Index: 12, Text: "applied"}})
	if len(laid) != 2 || rows != 2 || laid[0].Text != "commit, last 9" || laid[1].Text != "applied 12 →" {
		t.Errorf("%d rows: %+v", rows, laid)
	}
}

// TestZones: they are of the entries that are there, one behind the other.
func TestZones(t *testing.T) {
	at := func(n uint64) *uint64 { return &n }
	for _, test := range []struct {
		s    standing
		want string
	}{
		{standing{1, 100, at(40), at(60), at(90)}, "1-40 in the snapshot, 41-60 applied, 61-90 committed, not applied, 91-100 not committed"},
		{standing{50, 100, at(40), at(60), at(100)}, "50-60 applied, 61-100 committed, not applied"},
		{standing{1, 100, at(0), nil, at(70)}, "1-70 committed, 71-100 not committed"},
		{standing{1, 100, at(30), nil, nil}, "1-30 in the snapshot, 31-100 not known whether committed"},
		{standing{1, 100, at(30), at(10), at(500)}, "1-30 in the snapshot, 31-100 committed, not applied"}, // the commit index lies beyond the log
		{standing{0, 0, at(30), at(10), at(30)}, ""},
	} {
		var got []string
		for _, z := range test.s.zones() {
			got = append(got, fmt.Sprintf("%d-%d %s", z.First, z.Last, z.Name))
		}
		if got := strings.Join(got, ", "); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestPartedTerms(t *testing.T) {
	log := func(terms ...uint64) (spans []walcore.TermSpan) { // term, last index
		from := uint64(1)
		for i := 0; i < len(terms); i += 2 {
			spans = append(spans, walcore.TermSpan{Term: terms[i], First: from, Last: terms[i+1]})
			from = terms[i+1] + 1
		}
		return spans
	}
	for _, test := range []struct {
		a, b []walcore.TermSpan
		want uint64 // 0: nowhere
	}{
		{log(1, 10), log(1, 10), 0},
		{log(1, 10), log(1, 20), 0},                // one is behind
		{log(1, 10, 2, 20), log(1, 10), 0},         // the same
		{log(1, 10, 2, 20), log(1, 12, 3, 20), 11}, // terms 2 and 1
		{log(1, 10, 2, 20), log(1, 10, 3, 20), 11},
		{log(1, 10, 2, 20, 4, 30), log(1, 10, 2, 25), 21},
		{log(2, 5), log(1, 5), 1},
		{nil, log(1, 5), 0},
	} {
		for range 2 {
			index, a, b, found := partedTerms(test.a, test.b)
			if index != test.want || found != (test.want > 0) || found && a == b {
				t.Errorf("%v and %v part at %d (terms %d and %d), want %d", test.a, test.b, index, a, b, test.want)
			}
			test.a, test.b = test.b, test.a
		}
	}
}
