package filter

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"google.golang.org/protobuf/encoding/protowire"
)

// message makes a message of fields: a number is a varint, a text a length and bytes.
func message(fields ...any) string {
	var b []byte
	for i := 0; i < len(fields); i += 2 {
		num := protowire.Number(fields[i].(int))
		switch v := fields[i+1].(type) {
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), uint64(v))
		case fixed:
			b = protowire.AppendFixed64(protowire.AppendTag(b, num, protowire.Fixed64Type), uint64(v))
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), v)
		}
	}
	return string(b)
}

type fixed uint64

const proposalKey = "\x00\x02\x00\x00\x00\x00\x00\x07" // of node 2

// TestFilterHandmade: entries that Dgraph does not make, or that no fixture has. What the
// decoded text lists under unknown_fields does not count.
func TestFilterHandmade(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	edge := func(fields ...any) string { return message(3, message(fields...)) }
	var many strings.Builder
	for i := range 70_000 {
		many.WriteString(edge(1, fixed(i+1), 2, fmt.Sprintf("0-p%d", i)))
	}
	for _, test := range []struct {
		name     string
		app      payload.App
		typ      walcore.EntryType
		data     string
		yes, not []string
	}{
		{"edges", payload.Alpha, 0, proposalKey + message(2, message(2, 9)+edge(1, fixed(5), 2, "a-b")+edge(1, fixed(6), 2, "0-c", 5, fixed(7))),
			[]string{"--uid 5", "--uid 0x7", "--txn 9", "--predicate a-b", "--predicate b", "--predicate c", "--namespace 0xa", "--namespace 0", "--member 2", "--key 562949953421319", "--kind mutation"},
			[]string{"--uid 9", "--txn 5", "--predicate a", "--predicate 0-b", "--namespace 1", "--member 5", "--key 7", "--kind delta"}},
		{"of a wrong wire type", payload.Alpha, 0, proposalKey + message(2, message(2, "9", 3, 5)+edge(1, 5, 2, 8, 5, "7")),
			[]string{"--kind mutation"}, []string{"--uid 5", "--uid 7", "--txn 9", "--predicate 8", "--kind drop"}},
		{"more predicates than are remembered", payload.Alpha, 0, proposalKey + message(2, many.String()),
			[]string{"--predicate p3", "--predicate 0-p69999", "--uid 70000"}, []string{"--predicate p70000", "--uid 70001"}},
		{"a delta", payload.Alpha, 0, proposalKey + message(8, message(1, message(1, 3, 2, 4), 1, message(1, 5))),
			[]string{"--txn 3", "--txn 5", "--kind commit", "--kind abort", "--kind delta"}, []string{"--txn 4", "--kind mutation"}},
		{"a delta in parts", payload.Alpha, 0, proposalKey + message(8, message(1, message(1, 3, 2, 4)), 8, message(1, message(1, 5, 2, 6))),
			[]string{"--txn 3", "--txn 5"}, []string{"--kind abort"}},
		{"two kinds", payload.Alpha, 0, proposalKey + message(2, message(4, message(1, "1-x"), 7, 1)),
			[]string{"--kind schema", "--kind drop", "--predicate x", "--namespace 1"}, []string{"--kind mutation", "--namespace 0"}},
		{"a dropped predicate", payload.Alpha, 0, proposalKey + message(2, edge(2, "0-x", 3, "_STAR_ALL", 8, 1)),
			[]string{"--kind drop", "--predicate x"}, []string{"--kind mutation"}},
		{"a Zero's transaction", payload.Zero, 0, proposalKey + message(7, message(1, 3, 2, 4, 5, "1-0-name")),
			[]string{"--txn 3", "--kind commit", "--predicate name", "--kind txn"}, []string{"--kind abort", "--txn 4"}},
		{"cut off", payload.Alpha, 0, proposalKey + message(2, edge(1, fixed(5)))[:5] + "\xff", []string{"--kind binary"}, []string{"--uid 5", "--member 2", "--key 562949953421319"}},
		{"text", payload.Alpha, 0, "some text", []string{"--kind text"}, []string{"--predicate some", "--key some", "--kind binary"}},
		{"a configuration change", payload.Alpha, walcore.EntryConfChange, message(3, 4), []string{"--member 4", "--kind conf_change"}, []string{"--member 3", "--kind empty", "--txn 4"}},
		{"one that is none", payload.Alpha, walcore.EntryConfChange, "\xff\xff", []string{"--kind binary"}, []string{"--member 4", "--kind conf_change"}},
		{"one of no bytes", payload.Alpha, walcore.EntryConfChangeV2, "", []string{"--kind conf_change"}, []string{"--kind empty", "--member 1"}},
		{"nothing", payload.Alpha, 0, "", []string{"--kind empty"}, []string{"--kind conf_change", "--txn 1", "--namespace 0"}},
		{"a type that Raft does not have", payload.Alpha, memlog.Barrier, "x", []string{"--kind text"}, []string{"--kind conf_change", "--key x"}},
	} {
		log := memlog.New("w", []memlog.Entry{{Term: 1, Index: 1, Type: test.typ, Data: test.data, File: "1.seg"}})
		e, err := log.Entry(1)
		if err != nil {
			t.Fatal(err)
		}
		d := payload.NewDgraph(test.app, payload.Options{})
		for i, line := range append(test.yes, test.not...) {
			f := filterOf(t, line)
			match := f.Matches(&e)
			if match == Yes {
				t.Errorf("%s: %s matches, whatever the payload says", test.name, line)
			}
			got := match == Unknown && f.MatchesData(&e, []byte(test.data), d)
			if want := i < len(test.yes); got != want {
				t.Errorf("%s: %s: %v, want %v", test.name, line, got, want)
			}
		}
	}
}

// TestFilterTooLarge: of an entry that is not decoded, nothing is known but that.
func TestFilterTooLarge(t *testing.T) {
	fixture.NotForRace(t)
	e := walcore.Entry{Index: 1, Term: 1, Size: payload.MaxData + 1, File: &walcore.File{}}
	d := payload.NewDgraph(payload.Alpha, payload.Options{})
	for line, want := range map[string]bool{"--kind too_large": true, "--kind empty": false, "--kind mutation": false, "--uid 1": false, "--member 1": false, "--grep not_decoded": true} {
		f := filterOf(t, line)
		if got := f.Matches(&e) == Unknown && f.MatchesData(&e, nil, d); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}

// TestMatchesByTime: where entries have times, those decide before a payload is
// read, and entries without one go by their file's.
func TestMatchesByTime(t *testing.T) {
	for line, want := range map[string][]uint64{
		"--since 2026-03-01T12:00:03Z --kind text":                            {9},
		"--until 2026-03-01T12:00:03.2Z --kind text":                          {7, 9, 12},
		"--since 2026-03-01T12:00:00.123456789Z --until 2026-03-01T12:00:03Z": {7, 8},
		"--since 2026-03-01T12:00:05Z":                                        {11},
		"--since 2001-09-09T00:00:00Z --until 2001-09-10T00:00:00Z":           {12},
		"--since 2001-09-10T00:00:00Z --until 2001-09-11T00:00:00Z":           nil,
		"--until 2001-09-09T00:00:00Z":                                        {12}, // nobody knows when its file was begun
	} {
		log := memlog.Sample("w")
		f := filterOf(t, line)
		fixture.Must(t, f.Resolve(log))
		d := payload.NewDgraph(payload.Alpha, payload.Options{})
		var got []uint64
		for e := range log.Entries(0) {
			m := f.Matches(&e)
			if m == Unknown {
				data, err := e.Data()
				fixture.Must(t, err)
				if f.MatchesData(&e, data, d) {
					m = Yes
				}
			}
			if m == Yes {
				got = append(got, e.Index)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", line, got, want)
		}
	}
}
