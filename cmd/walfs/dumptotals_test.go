package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/terminal"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/pending"
	"github.com/walfs/walfs/walcore/stats"
	"google.golang.org/protobuf/encoding/protowire"
)

type sum struct{ entries, edges, bytes int64 }

// counted is what a summary must say, counted from what Dgraph's own types make
// of the entries. Predicate bytes are counted from the payloads.
type counted struct {
	kinds, predicates map[string]*sum
	pending           map[string]string // start_ts to index
}

func countEntries(t *testing.T, entries []map[string]any, payloads [][]byte) counted {
	t.Helper()
	c := counted{map[string]*sum{}, map[string]*sum{}, map[string]string{}}
	add := func(to map[string]*sum, name string, entries, edges, bytes int64) {
		if to[name] == nil {
			to[name] = &sum{}
		}
		to[name].entries += entries
		to[name].edges += edges
		to[name].bytes += bytes
	}
	for i, e := range entries {
		var size int64
		fmt.Sscan(fmt.Sprint(e["size"]), &size)
		add(c.kinds, kindOf(t, e), 1, 0, size)
		proposal, _ := e["proposal"].(map[string]any)
		mutations, _ := proposal["mutations"].(map[string]any)
		edges, _ := mutations["edges"].([]any)
		seen := map[string]bool{}
		sizes := edgeSizes(payloads[i])
		for k, edge := range edges {
			name := edge.(map[string]any)["attr"].(string)
			first := int64(1)
			if seen[name] {
				first = 0
			}
			seen[name] = true
			add(c.predicates, name, first, 1, sizes[k])
		}
		if len(edges) > 0 {
			c.pending[mutations["start_ts"].(string)] = fmt.Sprint(e["index"])
		}
		delta, _ := proposal["delta"].(map[string]any)
		txns, _ := delta["txns"].([]any)
		for _, txn := range txns {
			delete(c.pending, txn.(map[string]any)["start_ts"].(string))
		}
	}
	return c
}

// edgeSizes are the encoded sizes of Proposal.mutations.edges.
func edgeSizes(data []byte) (sizes []int64) {
	for _, mutations := range submessages(data[min(8, len(data)):], 2) {
		for _, edge := range submessages(mutations, 3) {
			sizes = append(sizes, int64(len(edge)))
		}
	}
	return sizes
}

func submessages(b []byte, number protowire.Number) (found [][]byte) {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return found
		}
		size := protowire.ConsumeFieldValue(num, typ, b[n:])
		if size < 0 {
			return found
		}
		if num == number && typ == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b[n:])
			found = append(found, v)
		}
		b = b[n+size:]
	}
	return found
}

func kindOf(t *testing.T, e map[string]any) string {
	t.Helper()
	if e["conf_change"] != nil {
		return payload.KindConfChange
	}
	proposal, ok := e["proposal"].(map[string]any)
	if !ok {
		return payload.KindEmpty
	}
	mutations, _ := proposal["mutations"].(map[string]any)
	for _, kind := range []struct {
		in    map[string]any
		field string
		name  string
	}{
		{mutations, "edges", payload.KindMutation}, {mutations, "schema", payload.KindSchema},
		{proposal, "delta", payload.KindDelta}, {proposal, "snapshot", payload.KindSnapshot},
		{proposal, "txn", payload.KindTxn}, {proposal, "member", payload.KindMember},
		{proposal, "tablet", payload.KindTablet}, {proposal, "maxTxnTs", payload.KindLease},
		{proposal, "maxUID", payload.KindLease}, {proposal, "cid", payload.KindLease},
	} {
		if kind.in[kind.field] != nil {
			return kind.name
		}
	}
	t.Fatalf("of no kind: %v", e)
	return ""
}

// rows gives the summary's rows below a heading, a field each, by name.
func rows(t *testing.T, text, heading string) map[string]string {
	t.Helper()
	_, text, found := strings.Cut(text, "\n\n"+heading)
	if !found {
		return nil
	}
	body, _, _ := strings.Cut(text, "\n\n")
	got := map[string]string{}
	for _, line := range strings.Split(body, "\n")[1:] {
		field := strings.Fields(line)
		got[field[0]] = strings.Join(field[1:], " ")
	}
	return got
}

func payloadsOf(t *testing.T, dir string) (payloads [][]byte) {
	t.Helper()
	dumpEach(t, func(e dumped) { payloads = append(payloads, e.Data) }, dir)
	return payloads
}

func checkSummary(t *testing.T, text string, want counted) {
	t.Helper()
	kinds, predicates := map[string]string{}, map[string]string{}
	for name, s := range want.kinds {
		kinds[name] = fmt.Sprint(s.entries, s.bytes)
	}
	for name, s := range want.predicates {
		predicates[name] = fmt.Sprint(s.entries, s.edges, s.bytes)
	}
	if got := rows(t, text, "KIND "); !maps.Equal(got, kinds) {
		t.Errorf("kinds %v, want %v", got, kinds)
	}
	if got := rows(t, text, "PREDICATE "); !maps.Equal(got, predicates) {
		t.Errorf("predicates %v, want %v", got, predicates)
	}
	head := fmt.Sprintf("\n\n%d transactions started, neither committed nor aborted in what is printed\n", len(want.pending))
	head = strings.Replace(head, "\n\n1 transactions", "\n\n1 transaction", 1)
	if isAlphas := want.kinds[payload.KindMutation] != nil || want.kinds[payload.KindDelta] != nil; strings.Contains(text, head) != isAlphas {
		t.Errorf("want %q: %t, in\n%s", head, isAlphas, text)
	}
	pending := map[string]string{}
	for i, ts := range slices.SortedFunc(maps.Keys(want.pending), byNumber) {
		if i == shownPending {
			pending[fmt.Sprintf("(%d", len(want.pending)-i)] = "more)"
			break
		}
		pending[ts] = want.pending[ts]
	}
	if got := rows(t, strings.Replace(text, head, "\n\n", 1), "START_TS "); !maps.Equal(got, pending) {
		t.Errorf("pending %v, want %v", got, pending)
	}
}

func byNumber(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// TestDumpSummary: whole logs, and parts in which transactions are not decided.
func TestDumpSummary(t *testing.T) {
	members := map[string]string{
		"alpha":         "1        voter  not in the log (this node)\n",
		"zero":          "1        voter  127.0.0.1:5080 (this node)\n",
		"cluster-node1": "1        voter  not in the log\n2        voter  127.0.0.1:7081 (this node)\n3        voter  127.0.0.1:7082\n",
	}
	for _, name := range fixture.WithDecoded() {
		dir := fixture.Dir(t, name)
		entries, payloads := fixture.ReadDecoded(t, name).Entries, payloadsOf(t, dir)
		for _, span := range [][2]int{{1, len(entries)}, {100, 300}, {20, 20}, {19, 21}} {
			from, to := span[0], span[1]
			text := ok(t, "dump", "--from", fmt.Sprint(from), "--to", fmt.Sprint(to), dir)
			checkSummary(t, text, countEntries(t, entries[from-1:to], payloads[from-1:to]))
			if want := "\n\nmembers as of the commit index\nRAFT_ID  ROLE   ADDRESS\n" + members[name]; !strings.HasSuffix(text, want) {
				t.Errorf("%s %d to %d: want members %q in %s", name, from, to, want, text)
			}
			if n := strings.Count(text[:strings.Index(text, "\n\n")], "\n"); n != tableHead-1+to-from+1 {
				t.Errorf("%s %d to %d: %d lines of entries", name, from, to, n)
			}
		}
	}
}

// TestDumpPending: lines of transactions say how many are pending after them, and
// no others do.
func TestDumpPending(t *testing.T) {
	for _, name := range fixture.WithDecoded() {
		entries := fixture.ReadDecoded(t, name).Entries
		got := lines(ok(t, "dump", fixture.Dir(t, name)))[tableHead:]
		pending, most := map[any]bool{}, 0
		for i, e := range entries {
			kind := kindOf(t, e)
			proposal, _ := e["proposal"].(map[string]any)
			if kind == payload.KindMutation {
				pending[proposal["mutations"].(map[string]any)["start_ts"]] = true
			}
			delta, _ := proposal["delta"].(map[string]any)
			txns, _ := delta["txns"].([]any)
			for _, txn := range txns {
				delete(pending, txn.(map[string]any)["start_ts"])
			}
			most = max(most, len(pending))
			want := ""
			if kind == payload.KindMutation || kind == payload.KindDelta {
				want = fmt.Sprintf("; %d pending", len(pending))
			}
			if !strings.HasSuffix(got[i], want) || (want == "") == strings.HasSuffix(got[i], " pending") {
				t.Fatalf("%s: want %q at the end of\n%s", name, want, got[i])
			}
		}
		if name == "cluster-node1" && most < 2 {
			t.Errorf("%s: never more than %d pending", name, most)
		}
	}
}

// TestDumpSummaryOfNothing: no entries is no failure.
func TestDumpSummaryOfNothing(t *testing.T) {
	r := walfs(t, "dump", fixture.Dir(t, "empty"))
	want := "checkpoint 0; snapshot none; hard state term 0, vote 0, commit 0\n" +
		"     INDEX   TERM TYPE               SIZE  WHAT\n\nKIND  ENTRIES  BYTES\n\n" +
		"no members as of the commit index\n"
	if r.stdout != want || r.stderr != "walfs: the log has no entries\n" || r.code != 0 {
		t.Errorf("%+v, want %q", r, want)
	}
	text := ok(t, "dump", fixture.Dir(t, "rewritten"))
	if !strings.HasSuffix(text, "\n\nmembers unknown: entry 5, a configuration change, does not replay: removed all voters\n") {
		t.Errorf("members that do not replay: %s", text[strings.LastIndex(text, "\n\n"):])
	}
}

// TestTotalsQuoteNames: a predicate's name cannot control the terminal, nor move a column.
func TestTotalsQuoteNames(t *testing.T) {
	totals := newTotals()
	for _, name := range []string{"0-größe", "0-\x1b[2J", "0-a\tb", "0-\xff"} {
		totals.add(&payload.Summary{Facts: payload.Facts{Kind: payload.KindMutation, Predicates: []payload.Predicate{{Name: name, Edges: 1}}}}, &walcore.Entry{Index: 1})
	}
	var out bytes.Buffer
	fixture.Must(t, totals.write(&out, terminal.To(&out, false), memlog.Sample("w")))
	for _, want := range []string{"\n0-größe ", `"0-\x1b[2J" `, `"0-a\tb" `, `"0-\xff" `} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %s in\n%q", want, out.String())
		}
	}
}

// The bounds of a stats.Table.
const (
	maxPredicates = 10_000
	maxNameBytes  = 16 << 20
)

// TestTotalsAreBounded: beyond the bounds, more is only counted.
func TestTotalsAreBounded(t *testing.T) {
	fixture.NotForRace(t)
	totals := newTotals()
	for i := range uint64(pending.MaxTracked + 10) {
		e := walcore.Entry{Index: i + 1, Size: 1}
		totals.add(&payload.Summary{Facts: payload.Facts{Kind: payload.KindMutation, StartTs: i + 1, Edges: 2,
			Predicates: []payload.Predicate{{Name: fmt.Sprint(i % (maxPredicates + 5)), Edges: 2, Bytes: 3}}}}, &e)
	}
	rows := totals.predicates.Rows()
	if len(rows) != maxPredicates+1 || !rows[maxPredicates].Special() || totals.pending.Len() != pending.MaxTracked+10 || totals.pending.Untracked() != 10 {
		t.Errorf("%d predicates, %d pending, %d untracked", len(rows), totals.pending.Len(), totals.pending.Untracked())
	}
	var all stats.Row
	for _, r := range rows {
		all.Entries += r.Entries
		all.Edges += r.Edges
		all.Bytes += r.Bytes
	}
	if n := int64(pending.MaxTracked + 10); all.Entries != n || all.Edges != 2*n || all.Bytes != 3*n {
		t.Errorf("in all %+v, want %d entries", all, n)
	}
	var out bytes.Buffer
	totals.writePending(&out)
	if text := out.String(); !strings.HasPrefix(text, "\n100010 transactions started") || !strings.HasSuffix(text, "20\t20\n(99990 more; walfs explain --json has those of the whole log)\n") {
		t.Errorf("%q", text)
	}
}

// TestLongNamesInTotals: names of any length neither fill the memory nor make all rows wide.
func TestLongNamesInTotals(t *testing.T) {
	fixture.NotForRace(t)
	totals := newTotals()
	const names = 5
	for i := range names {
		name := fmt.Sprint(i, strings.Repeat("n", maxNameBytes/(names-1)-1))
		totals.add(&payload.Summary{Facts: payload.Facts{Predicates: []payload.Predicate{{Name: name, Edges: 1, Bytes: 1}}}}, &walcore.Entry{Size: 1})
	}
	if rows := totals.predicates.Rows(); len(rows) != names || !rows[names-1].Special() || rows[names-1].Entries != 1 {
		t.Errorf("%d rows, the last of %d entries", len(rows), rows[len(rows)-1].Entries)
	}
	var out bytes.Buffer
	fixture.Must(t, totals.write(&out, terminal.To(&out, false), memlog.Sample("w")))
	if text := out.String(); len(text) > 10*2*shownName || !strings.Contains(text, "\n0nn") || !strings.Contains(text, "nn…  1 ") {
		t.Errorf("%d bytes: %.2000q", len(text), text)
	}
}
