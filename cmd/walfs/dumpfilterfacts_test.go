package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// decodedEntry is what a line of dump --format json --decode says, as jq sees it.
type decodedEntry struct {
	Index   uint64
	Type    string
	Size    int
	Decoded struct {
		Key          string
		Proposal     map[string]any
		ConfChange   map[string]any `json:"conf_change"`
		ConfChangeV2 map[string]any `json:"conf_change_v2"`
		Text         string
	}
}

// decodedEntries are those of a directory, without a filter.
func decodedEntries(t *testing.T, dir string) []decodedEntry {
	t.Helper()
	var entries []decodedEntry
	for _, line := range lines(ok(t, "dump", "--format", "json", "--decode", dir)) {
		var e decodedEntry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

// at are the values at a path like mutations.edges.attr, of all elements of the lists on
// it, as text.
func at(v any, path string) []string {
	if list, ok := v.([]any); ok {
		var all []string
		for _, element := range list {
			all = append(all, at(element, path)...)
		}
		return all
	}
	if path == "" {
		return []string{fmt.Sprint(v)}
	}
	name, rest, _ := strings.Cut(path, ".")
	m, ok := v.(map[string]any)
	if !ok || m[name] == nil {
		return nil
	}
	return at(m[name], rest)
}

// says reports whether one of the paths of the proposal has a value.
func (e *decodedEntry) says(value string, paths ...string) bool {
	return slices.ContainsFunc(paths, func(path string) bool { return slices.Contains(at(e.Decoded.Proposal, path), value) })
}

func (e *decodedEntry) has(path string) bool { return len(at(e.Decoded.Proposal, path)) > 0 }

func (e *decodedEntry) key() uint64 {
	key, _ := strconv.ParseUint(e.Decoded.Key, 10, 64)
	return key
}

// commits are the commit_ts of the transactions that an entry decides; "0" aborts one.
func (e *decodedEntry) commits() (ts []string) {
	if delta, ok := e.Decoded.Proposal["delta"].(map[string]any); ok {
		txns, _ := delta["txns"].([]any)
		for _, txn := range txns {
			ts = append(ts, append(at(txn, "commit_ts"), "0")[0])
		}
	}
	if txn, ok := e.Decoded.Proposal["txn"]; ok {
		commit := append(at(txn, "commit_ts"), "0")[0]
		if len(at(txn, "aborted")) > 0 {
			commit = "0"
		}
		ts = append(ts, commit)
	}
	return ts
}

var predicatePaths = []string{"mutations.edges.attr", "mutations.schema.predicate", "tablet.predicate", "tablets.predicate"}

// oracle is what a filter must let through, by the decoded JSON.
type oracle struct {
	flags string
	match func(e *decodedEntry) bool
}

func kindIs(kind, path string) oracle {
	return oracle{"--kind " + kind, func(e *decodedEntry) bool { return e.has(path) }}
}

func namesIs(value, bare string) oracle {
	return oracle{"--predicate " + value, func(e *decodedEntry) bool {
		return e.says(value, predicatePaths...) || bare != "" && e.says(bare, predicatePaths...)
	}}
}

var byUID = []string{"mutations.edges.entity", "mutations.edges.value_id"}
var byTxn = []string{"mutations.start_ts", "delta.txns.start_ts", "txn.start_ts"}

func saysNumber(flag string, n uint64, format string, paths []string) oracle {
	return oracle{fmt.Sprintf("--%s "+format, flag, n), func(e *decodedEntry) bool { return e.says(strconv.FormatUint(n, 10), paths...) }}
}

// oracles are filters for a fixture. A few of its own entries say which numbers.
func oracles(entries []decodedEntry) []oracle {
	list := []oracle{
		kindIs("mutation", "mutations.edges"), kindIs("delta", "delta"), kindIs("schema", "mutations.schema"),
		kindIs("txn", "txn"), kindIs("tablet", "tablet"), kindIs("member", "member"), kindIs("membership", "member"), kindIs("snapshot", "snapshot"),
		{"--kind schema,delta --kind empty", func(e *decodedEntry) bool { return e.has("mutations.schema") || e.has("delta") || e.Size == 0 }},
		{"--kind conf_change", func(e *decodedEntry) bool { return strings.HasPrefix(e.Type, "EntryConfChange") }},
		{"--kind empty", func(e *decodedEntry) bool { return e.Size == 0 }},
		{"--kind text", func(e *decodedEntry) bool { return e.Decoded.Text != "" }},
		{"--kind drop", func(e *decodedEntry) bool { return e.has("mutations.drop_op") }},
		{"--kind commit", func(e *decodedEntry) bool {
			return slices.ContainsFunc(e.commits(), func(ts string) bool { return ts != "0" })
		}},
		{"--kind abort", func(e *decodedEntry) bool { return slices.Contains(e.commits(), "0") }},
		namesIs("0-name", ""), namesIs("name", "0-name"), namesIs("friend", "0-friend"), namesIs("1-name", ""), namesIs("nam", ""),
		{"--namespace 0", func(e *decodedEntry) bool {
			return slices.ContainsFunc(predicatePaths, func(path string) bool { return len(at(e.Decoded.Proposal, path)) > 0 }) || e.has("txn.preds")
		}},
		{"--namespace 0x1", func(*decodedEntry) bool { return false }},
		{"--key no.such", func(*decodedEntry) bool { return false }},
		saysNumber("txn", 1<<40, "%d", byTxn),
		saysNumber("uid", 1<<40, "%d", byUID),
	}
	for id := range uint64(4) {
		if id == 0 {
			continue
		}
		list = append(list, oracle{fmt.Sprintf("--member %d", id), func(e *decodedEntry) bool {
			text := strconv.FormatUint(id, 10)
			return e.key()>>48 == id || slices.Contains(at(e.Decoded.ConfChange, "node_id"), text) ||
				slices.Contains(at(e.Decoded.ConfChangeV2, "changes.node_id"), text) || e.says(text, "member.id", "snapshot.context.id")
		}})
	}
	for i := 5; i < len(entries); i += len(entries) / 7 {
		e := &entries[i]
		for _, path := range byTxn {
			for _, ts := range at(e.Decoded.Proposal, path)[:min(1, len(at(e.Decoded.Proposal, path)))] {
				n, _ := strconv.ParseUint(ts, 10, 64)
				list = append(list, saysNumber("txn", n, "%d", byTxn), saysNumber("txn", n, "%#x", byTxn))
			}
		}
		for _, uid := range at(e.Decoded.Proposal, "mutations.edges.entity") {
			n, _ := strconv.ParseUint(uid, 10, 64)
			list = append(list, saysNumber("uid", n, "%d", byUID), saysNumber("uid", n, "%#x", byUID))
			break
		}
		if key := e.key(); key > 0 {
			is := func(other *decodedEntry) bool { return other.key() == key }
			list = append(list, oracle{fmt.Sprintf("--key %d", key), is}, oracle{fmt.Sprintf("--key %#x", key), is})
		}
	}
	return list
}

// TestDumpFiltersByMeaning: each lets through what the decoded JSON says, on real logs.
func TestDumpFiltersByMeaning(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	for _, name := range []string{"alpha", "zero", "rewritten"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.Dir(t, name)
			entries := decodedEntries(t, dir)
			found := 0
			for _, o := range oracles(entries) {
				var want, got []uint64
				for i := range entries {
					if o.match(&entries[i]) {
						want = append(want, entries[i].Index)
					}
				}
				note := dumpEach(t, func(e dumped) { got = append(got, e.Index) }, append(strings.Fields(o.flags), dir)...)
				if !slices.Equal(got, want) {
					t.Errorf("%s: %d entries, want %d\n%v\n%v", o.flags, len(got), len(want), got, want)
				}
				if len(want) > 0 {
					found++
				} else if o.flags = strings.ReplaceAll(o.flags, " --kind ", ","); !strings.HasSuffix(note, " matches "+o.flags+"\n") {
					t.Errorf("%s: stderr says %q", o.flags, note)
				}
			}
			if found < 5 {
				t.Errorf("only %d filters let anything through", found)
			}
		})
	}
}

// TestDumpFiltersCombine: an entry must match all of them, and each format has the same.
func TestDumpFiltersCombine(t *testing.T) {
	fixture.NotForRace(t)
	dir := fixture.Dir(t, "alpha")
	args := []string{"--kind", "mutation", "--member", "1", "--predicate", "name", "--from", "100", "--to", "400", "--term", "2", "--type", "normal", "--grep", "Person", "--limit", "3", dir}
	var got []dumped
	dumpEach(t, func(e dumped) { got = append(got, e) }, args...)
	want := 0
	var bytes int64
	for _, e := range decodedEntries(t, dir) {
		if e.Index >= 100 && e.says("0-name", predicatePaths...) && want < 3 {
			if want == len(got) || got[want].Index != e.Index {
				t.Fatalf("entry %d is not among %v", e.Index, got)
			}
			bytes += int64(e.Size)
			want++
		}
	}
	if len(got) != 3 {
		t.Errorf("%d entries", len(got))
	}
	if raw := ok(t, append([]string{"dump", "--format", "raw"}, args...)...); int64(len(raw)) != bytes {
		t.Errorf("%d raw bytes, want %d", len(raw), bytes)
	}
	if table := ok(t, append([]string{"dump"}, args...)...); !strings.Contains(table, "\nmutation  3 ") {
		t.Error(table)
	}
	for _, none := range [][]string{{"--kind", "mutation", "--kind", "delta", "--type", "conf_change"}, {"--kind", "delta", "--uid", "1"}} {
		dumpEach(t, func(e dumped) { t.Errorf("%v: entry %d", none, e.Index) }, append(none, dir)...)
	}
}
