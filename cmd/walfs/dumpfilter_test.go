package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/dgraph"
)

// typedFilter is a filter of some flags; 0 and "" are left out.
type typedFilter struct {
	from, to, term uint64
	typ, grep      string
	limit          int64
}

// filtered is what a filter must let through, by the manifest and by the texts
// of decoded/.
func filtered(t *testing.T, name, dir string, f typedFilter) (want []uint64) {
	t.Helper()
	r, err := dgraph.OpenReader(dir, dgraph.ReaderOptions{Key: fixture.Key(name)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	tree := fsview.New(r, nil)
	types := []string{"normal", "conf_change", "conf_change_v2"}
	for _, e := range fixture.ReadManifest(t, name).Entries {
		switch {
		case f.from > 0 && e.Index < f.from, f.to > 0 && e.Index > f.to,
			f.term > 0 && e.Term != f.term, f.typ != "" && types[e.Type] != f.typ:
			continue
		}
		if f.grep != "" {
			text, err := fs.ReadFile(tree, fmt.Sprintf("decoded/%d.json", e.Index))
			if err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile(f.grep).Match(text) {
				continue
			}
		}
		if want = append(want, e.Index); f.limit > 0 && int64(len(want)) == f.limit {
			break
		}
	}
	return want
}

// flags are a filter as a user types it.
func (f typedFilter) flags() (args []string) {
	for _, flag := range []struct {
		name  string
		value any
	}{{"from", f.from}, {"to", f.to}, {"term", f.term}, {"type", f.typ}, {"grep", f.grep}, {"limit", f.limit}} {
		if v := fmt.Sprint(flag.value); v != "0" && v != "" {
			args = append(args, "--"+flag.name, v)
		}
	}
	return args
}

// randomFilter is a filter of some flags at once, for the fixture "rewritten".
func randomFilter(random *rand.Rand) typedFilter {
	f := typedFilter{from: random.Uint64N(500), term: []uint64{0, 0, 2, 5, 9}[random.IntN(5)],
		typ:   []string{"", "", "normal", "conf_change", "conf_change_v2"}[random.IntN(5)],
		grep:  []string{"", "", "e", `"size": 1\d\d`}[random.IntN(4)],
		limit: []int64{0, 0, 1, 10}[random.IntN(4)]}
	if random.IntN(2) == 0 {
		f.to = f.from + random.Uint64N(300)
	}
	return f
}

// TestDumpFilters: each alone, and all of them combined at random.
func TestDumpFilters(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	type on struct {
		name string
		typedFilter
	}
	tests := []on{
		{"rewritten", typedFilter{}},
		{"rewritten", typedFilter{from: 100}},
		{"rewritten", typedFilter{to: 100}},
		{"rewritten", typedFilter{from: 100, to: 100}},
		{"rewritten", typedFilter{from: 1 << 62}},
		{"rewritten", typedFilter{term: 9}},
		{"rewritten", typedFilter{term: 12345}},
		{"rewritten", typedFilter{typ: "normal"}},
		{"rewritten", typedFilter{typ: "conf_change"}},
		{"rewritten", typedFilter{typ: "conf_change_v2"}},
		{"rewritten", typedFilter{limit: 7}},
		{"rewritten", typedFilter{limit: 1 << 40}},
		{"highstart", typedFilter{to: 5}},
		{"highstart", typedFilter{from: 1_000_000_010, limit: 2}},
		{"alpha", typedFilter{grep: `"attr": "0-name"`}},
		{"alpha", typedFilter{grep: `0-(bio|friend)`}},
		{"alpha", typedFilter{grep: `(?s)"index": "?17"?,.*0-friend`}},
		{"alpha", typedFilter{grep: `no such text`}},
		{"alpha", typedFilter{grep: `max_assigned`, from: 200, limit: 3}},
		{"sealed128", typedFilter{term: 2, typ: "normal", from: 7, limit: 9}},
	}
	random := rand.New(rand.NewPCG(5, 5))
	for range 25 {
		tests = append(tests, on{"rewritten", randomFilter(random)})
	}
	dirs := map[string]string{}
	printed := 0
	for _, test := range tests {
		if dirs[test.name] == "" {
			dirs[test.name] = fixture.Dir(t, test.name)
		}
		dir := dirs[test.name]
		want := filtered(t, test.name, dir, test.typedFilter)
		printed += min(len(want), 1)
		args := append(test.flags(), "--key-file", keyFile(t, test.name), dir)
		var got []uint64
		note := dumpEach(t, func(e dumped) { got = append(got, e.Index) }, args...)
		if (note != "") != (len(want) == 0) {
			t.Errorf("%s %v: %d entries, and stderr says %q", test.name, args, len(want), note)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s %v: %d entries, want %d\n%v\n%v", test.name, args, len(got), len(want), got, want)
		}
		// The table has the same.
		table, _, _ := strings.Cut(walfs(t, append([]string{"dump"}, args...)...).stdout, "\n\n")
		if n := strings.Count(table, "\n") - (tableHead - 1); n != len(want) {
			t.Errorf("%s %v: the table has %d rows, want %d", test.name, args, n, len(want))
		}
	}
	if printed < len(tests)/2 {
		t.Errorf("only %d of %d filters let anything through", printed, len(tests))
	}
}

// TestDumpHelp: what a range is without --to is said in words.
func TestDumpHelp(t *testing.T) {
	text := ok(t, "dump", "--help")
	if !strings.Contains(text, "--to INDEX ") || strings.Contains(text, "(default )") || strings.Contains(text, "18446744073709551615") ||
		!strings.Contains(text, "the last INDEX; if not given, the log's last\n") {
		t.Error(text)
	}
}
