package payload

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestSummaryCounts: the numbers that a summary of a whole log adds up. Nothing of one
// entry is left in the next one's.
func TestSummaryCounts(t *testing.T) {
	d := NewDgraph(Alpha, Options{})
	var s Summary
	sum := func(text string) *Summary {
		if err := d.Summarize(&s, Entry{Data: keyed(dgraph(t, "Proposal", text))}); err != nil {
			t.Fatal(err)
		}
		return &s
	}
	for range 2 { // the second time with names that are known
		sum(`mutations { start_ts: 7 edges { entity: 1 attr: "0-b" } edges { entity: 1 attr: "\x00\x00\x00\x00\x00\x00\x00\x00a" op: DEL } edges { entity: 2 attr: "0-b" value: "12345" } }`)
		want := []Predicate{{Name: "0-a", Edges: 1, Deletes: 1, Bytes: 22}, {Name: "0-b", Edges: 2, Bytes: 14 + 21}}
		if !reflect.DeepEqual(s.Predicates, want) || s.StartTs != 7 || s.Edges != 3 || s.Deletes != 1 || s.Commits+s.Aborts > 0 {
			t.Errorf("got %+v", s)
		}
		sum(`delta { txns { start_ts: 7 commit_ts: 9 } txns { start_ts: 8 } txns { start_ts: 6 commit_ts: 10 } }`)
		if len(s.Predicates)+s.Edges > 0 || s.Commits != 2 || s.Aborts != 1 ||
			!reflect.DeepEqual(slices.Collect(s.Txns()), []Txn{{7, 9}, {8, 0}, {6, 10}}) {
			t.Errorf("got %+v", s)
		}
	}
	// Mutations that come in two parts are merged.
	part := dgraph(t, "Proposal", `mutations { start_ts: 7 edges { attr: "0-b" } edges { attr: "0-a" } }`)
	_ = d.Summarize(&s, Entry{Data: keyed(join(part, part))})
	if want := "txn 7: 4 edges: 0-a 2, 0-b 2"; string(s.Line) != want || len(slices.Collect(s.EachEdge())) != 4 {
		t.Errorf("got %s, want %s", s.Line, want)
	}
	// Neither schema nor drops are transactions that wait for a commit.
	for _, text := range []string{`mutations { start_ts: 7 schema { predicate: "0-a" } }`, `mutations { start_ts: 7 edges { attr: "0-a" value: "_STAR_ALL" op: DEL } }`} {
		if _, starts := sum(text).Starts(); starts || !reflect.DeepEqual(s.Predicates, []Predicate{{Name: "0-a"}}) {
			t.Errorf("%s: got %+v", text, s)
		}
	}
}

// TestSummaryIsShort: a line has the first of a long list, and says how many follow.
func TestSummaryIsShort(t *testing.T) {
	d := NewDgraph(Alpha, Options{})
	var edges, txns, wide, fields, tokens strings.Builder
	for i := range 100 {
		fmt.Fprintf(&edges, `edges { attr: "0-p%02d" } `, i)
		fmt.Fprintf(&txns, `txns { start_ts: %d commit_ts: %d } `, 2*i, 2*i+1)
		fmt.Fprintf(&fields, `fields { predicate: "%d" } `, i)
		fmt.Fprintf(&tokens, `tokenizer: "%d" `, i)
		fmt.Fprintf(&wide, `schema { predicate: "%0100d" }`, i)
	}
	for text, want := range map[string]string{
		`mutations { ` + edges.String() + `}`: "txn 0: 100 edges: 0-p00 1, 0-p01 1, 0-p02 1, 0-p03 1, 0-p04 1, 0-p05 1, 0-p06 1, 0-p07 1, 0-p08 1, 0-p09 1, 90 more",
		`delta { ` + txns.String() + `}`:      "100 txns: commit 0 -> 1, 2 -> 3, 4 -> 5, 6 -> 7, 8 -> 9, 10 -> 11, 12 -> 13, 14 -> 15, 16 -> 17, 18 -> 19, 90 more",
		`mutations { ` + wide.String() + `}`:  "schema " + strings.Repeat("0", 100) + " DEFAULT, ",
		`mutations { types { type_name: "T" ` + fields.String() + `} types { type_name: "U" } }`:      "types T(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 90 more), U",
		`mutations { schema { predicate: "p" directive: INDEX count: true ` + tokens.String() + `} }`: "schema p DEFAULT INDEX(0,1,2,3,4,5,6,7,8,9,…) count",
		`clean_predicate: "a\x1b[2J\nb"`: `clean predicate "a\x1b[2J\nb"`,
	} {
		var s Summary
		_ = d.Summarize(&s, Entry{Data: keyed(dgraph(t, "Proposal", text))})
		if !strings.HasPrefix(string(s.Line), want) || len(s.Line) > maxLine {
			t.Errorf("got %q (%d bytes), want %q", s.Line, len(s.Line), want)
		}
	}
}

// TestSummaryOfCustom: the line is the message, and is not cut inside a letter.
func TestSummaryOfCustom(t *testing.T) {
	md := load(t, "testdata/kinds.proto", "kinds.All")
	c := NewCustom(md, 2, Options{})
	var s Summary
	for text, want := range map[string]string{
		`s: "x" password: "hush"`:               `{"s":"x","password":"[redacted]"}`,
		`s: "` + strings.Repeat("ä", 200) + `"`: `{"s":"` + strings.Repeat("ä", 195) + "…",
	} {
		if err := c.Summarize(&s, Entry{Data: append([]byte("\x00k"), encode(t, md, text)...)}); err != nil || s.Kind != KindMessage || string(s.Line) != want {
			t.Errorf("got %s %s (%v), want %s", s.Kind, s.Line, err, want)
		}
	}
	_ = c.Summarize(&s, Entry{Data: []byte("k")})
	if s.Kind != KindText {
		t.Errorf("got %s for data shorter than what is skipped", s.Kind)
	}
}
