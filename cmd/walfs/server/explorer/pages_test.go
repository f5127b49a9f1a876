package explorer

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/test/nativelog"
	"go.etcd.io/raft/v3/raftpb"
)

// wants fails unless a page has all of the texts.
func wants(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("there is no %q in the page", text)
		}
	}
}

// lacks fails if a page has one of the texts.
func lacks(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(page, text) {
			t.Errorf("there is %q in the page", text)
		}
	}
}

// count waits until all that there is to count of the replicas is counted.
func (s *site) count() {
	s.t.Helper()
	go s.set.Run(s.t.Context())
	for {
		next := s.set.Next()
		if !slices.ContainsFunc(s.set.Replicas, func(r *replica.Replica) bool { return r.Tally() == nil || !r.Tally().Done }) {
			return
		}
		<-next
	}
}

// write makes a directory of Dgraph's.
func write(t *testing.T, name string, m nativelog.Meta, entries ...nativelog.Entry) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	fixture.Must(t, nativelog.Write(dir, m, slices.Values(entries)))
	return dir
}

// numbered are entries of terms: pairs of a term and its last index.
func numbered(terms ...uint64) (entries []nativelog.Entry) {
	index := uint64(1)
	for i := 0; i < len(terms); i += 2 {
		for ; index <= terms[i+1]; index++ {
			entries = append(entries, nativelog.Entry{Index: index, Term: terms[i], Data: fmt.Appendf(nil, "entry %d", index)})
		}
	}
	return entries
}

// TestOverview: the page says what walfs stat says.
func TestOverview(t *testing.T) {
	index, term := uint64(1000), uint64(2)
	node := write(t, "node", nativelog.Meta{RaftID: 3, GroupID: 4, Checkpoint: 1500, Term: 7, Vote: 3, Commit: 1790,
		Snapshot: &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: &index, Term: &term,
			ConfState: &raftpb.ConfState{Voters: []uint64{1, 2, 3}, Learners: []uint64{9}}}}}, numbered(2, 1200, 5, 1800)...)
	s := newSiteOf(t, node, fixture.Dir(t, "alpha"), fixture.Dir(t, "etcd-small"), fixture.Dir(t, "hashicorp-wal-n2"))
	page := s.get("/log/node/", 200)
	wants(t, page, `<div id="overview" data-live>`, "Dgraph Alpha, node", "of group 4", "<strong>Sound</strong>", "<dd>7</dd>",
		"snapshot 1,000", "applied 1,500", "commit 1,790", "last 1,800", "1,501 to 1,790: committed, not applied", "1,791 to 1,800: not committed",
		"term 5: entries 1,201 to 1,800", "3 voters, 1 learner", "00001.wal", "data-unfinished", "/log/node/entries?from=1&amp;to=15")
	s.count()
	page = s.get("/log/alpha/", 200)
	wants(t, page, `<a href="/log/alpha/entries?kind=mutation">mutation</a>`, "entries?predicate=0-name", "Pending transactions")
	lacks(t, page, "data-unfinished")
	wants(t, s.get("/log/etcd-small/", 200), "etcd, node", "not known: etcd keeps none on disk", "entries?kind=put")
	wants(t, s.get("/log/hashicorp-wal-n2/", 200), "not known: HashiCorp Raft keeps none on disk", "not known whether committed")
}

// TestOverviewOfProblems: what is wrong comes first, and says where.
func TestOverviewOfProblems(t *testing.T) {
	var entries []nativelog.Entry
	for i := range 60 {
		entries = append(entries, nativelog.Entry{Term: 1, Index: uint64(i + 1), Data: []byte("payload")})
	}
	dir := write(t, "w", nativelog.Meta{RaftID: 1, GroupID: 1, Term: 1, Commit: 60}, entries...)
	file := fixture.Edit(t, filepath.Join(dir, "00001.wal"))
	for i := range 30 { // every other slot has an index that is in no log
		file.Write(int64(32*(2*i+10)+8), []byte{0xff, 0, 0, 0, 0, 0, 0, 9})
	}
	file.Write(32*4+16, []byte{0, 0, 0, 1}) // entry 5's payload is said to be where no file has any
	s := newSiteOf(t, dir)
	page := s.get("/log/w/", 200)
	wants(t, page, `class="note bad"`, "00001.wal, slot", "walfs check "+dir, `<a href="/log/w/entry/5">index 5</a>`, `class="fault"`, "are not shown here")
	if n := strings.Count(page, `class="where"`); n != maxProblems {
		t.Errorf("%d problems are shown", n)
	}
	lacks(t, page, "<strong>Sound</strong>", "/log/w/entry/6485183463413514239") // that index is in no log
}

// TestOverviewOfNothing: a log without entries, and one that knows little, have a page.
func TestOverviewOfNothing(t *testing.T) {
	s := newSite(t, "empty", "snaponly")
	wants(t, s.get("/log/empty/", 200), "no entries")
	wants(t, s.get("/log/snaponly/", 200), "no entries")
	s.get("/", 200)
	s = serve(t, directory("/x/memory", memlog.Sample("/x/memory")))
	wants(t, s.get("/log/memory/", 200), "<h1>memory</h1>")
}

// TestReplicas: logs of one group are on one ruler, and the page says who lags and where they
// part.
func TestReplicas(t *testing.T) {
	m := nativelog.Meta{RaftID: 1, GroupID: 1, Term: 3}
	s := newSiteOf(t, write(t, "n1", m, numbered(1, 50, 2, 90)...), write(t, "n2", m, numbered(1, 60, 3, 90)...),
		write(t, "n3", m, numbered(1, 30)...), fixture.Dir(t, "zero"), fixture.Dir(t, "rewritten"))
	page := s.get("/", 200)
	wants(t, page, "60 behind n1", "The logs part at index 51", `href="/diff?a=n1&amp;a=n2&amp;index=51"`,
		"Dgraph, group 0", "Dgraph, group 1", "different groups")
	if n := strings.Count(page, `class="lanes"`); n != 3 {
		t.Errorf("%d rulers, want 3", n)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(newSite(t, "zero").url + "/")
	fixture.Must(t, err)
	answer.Body.Close()
	if to := answer.Header.Get("Location"); answer.StatusCode != 302 || to != "/log/zero/" {
		t.Errorf("one log alone: %s to %q", answer.Status, to)
	}
}

// compared asks for a comparison until it has ended.
func (s *site) compared(path string) string {
	s.t.Helper()
	for range 100 { // each request waits a little
		if page := s.get(path, 200); !strings.Contains(page, "data-unfinished") {
			return page
		}
	}
	s.t.Fatal("the comparison does not end")
	return ""
}

// TestDiff: the page says what walfs diff says, and shows the entries beside one another.
func TestDiff(t *testing.T) {
	m := nativelog.Meta{RaftID: 1, GroupID: 1, Term: 2, Commit: 3}
	entry := func(index, term uint64, data string) nativelog.Entry {
		return nativelog.Entry{Index: index, Term: term, Data: []byte(data)}
	}
	a := write(t, "a", m, entry(1, 1, "x"), entry(2, 1, "same start, one"), entry(3, 1, "z"))
	b := write(t, "b", m, entry(1, 1, "x"), entry(2, 1, "same start, two"), entry(3, 1, "z"), entry(4, 2, "more"))
	m.Commit = 1
	c := write(t, "c", m, entry(1, 1, "x"), entry(2, 2, "of another leader"))
	s := newSiteOf(t, a, b, c)
	page := s.compared("/diff?a=a&b=b")
	wants(t, page, "promise is broken", "committed entries differ", "a lacks 4 to 4, which b has", "Payloads differ from byte 12 on",
		"<mark>≠   &#34;text&#34;: &#34;same start, one&#34;</mark>", "Entries at index 2", ", committed</p>")
	page = s.compared("/diff?a=a&a=c&index=1")
	wants(t, page, "part at", "That breaks no promise", "Entries at index 1")
	lacks(t, page, "<mark>")
	page = s.compared("/diff?index=4")
	wants(t, page, "The log ends before, at 3.", "Entries at index 4")
	other := newSite(t, "zero", "alpha")
	wants(t, other.compared("/diff"), "of different groups", "no replicas of one another")
	wants(t, s.get("/diff?a=nobody", 404), "no log")
	wants(t, s.get("/diff?a=a", 400), "two logs")
	wants(t, s.get("/diff?index=-1", 400), "index is a number")
	wants(t, newSiteOf(t, a).get("/diff", 400), "There is one log here")
}

// TestHostile: what a log contains is text.
func TestHostile(t *testing.T) {
	const script = `</pre><script>alert(1)</script>"'`
	mutation := bytes.ReplaceAll(fixture.Mutation(1, 20), []byte("0-name"), []byte(`0-<b>"`))
	m := nativelog.Meta{RaftID: 1, GroupID: 1, Term: 1, Commit: 2}
	a := write(t, "a<script>", m, nativelog.Entry{Index: 1, Term: 1, Data: mutation}, nativelog.Entry{Index: 2, Term: 1, Data: []byte(script + "a")})
	b := write(t, "b&b", m, nativelog.Entry{Index: 1, Term: 1, Data: mutation}, nativelog.Entry{Index: 2, Term: 1, Data: []byte(script + "b")})
	s := newSiteOf(t, a, b)
	s.count()
	name := s.set.Replicas[0].Name
	pages := []string{s.get("/", 200), s.get(link(name, ""), 200), s.compared("/diff"), s.get("/diff?a=%3Cscript%3E", 404)}
	for _, page := range pages {
		lacks(t, page, "<script>", "<b>", `"'`)
	}
	wants(t, pages[1], "0-&lt;b&gt;", "predicate=0-%3Cb%3E%22")
	wants(t, pages[2], "&lt;script&gt;alert(1)&lt;/script&gt;")
}

// TestDiffering: lines that are in both texts, in their order, are no difference.
func TestDiffering(t *testing.T) {
	marks := func(differ []bool) (s string) {
		for _, d := range differ {
			s += map[bool]string{true: "≠", false: "="}[d]
		}
		return s
	}
	long := strings.Repeat("x\n", 600)
	for _, test := range []struct{ a, b, wantA, wantB string }{
		{"a b c", "a b c", "===", "==="},
		{"a b c", "a x c", "=≠=", "=≠="},
		{"a b c", "a c", "=≠=", "=="},
		{"a b c d", "x b y d e", "≠=≠=", "≠=≠=≠"},
		{"a", "b", "≠", "≠"},
	} {
		inA, inB := differing(strings.Fields(test.a), strings.Fields(test.b))
		if marks(inA) != test.wantA || marks(inB) != test.wantB {
			t.Errorf("%s, %s: %s %s, want %s %s", test.a, test.b, marks(inA), marks(inB), test.wantA, test.wantB)
		}
	}
	a, b := strings.Fields("a "+long+" c"), strings.Fields("b "+long+" d "+long)
	if inA, inB := differing(a, b); len(inA) != len(a) || len(inB) != len(b) || !inA[0] || !inB[0] {
		t.Error("long texts are not compared")
	}
}

// TestComparisonsAreBounded: only some sets of logs have a report.
func TestComparisonsAreBounded(t *testing.T) {
	var dirs []string
	for i := range 6 {
		dirs = append(dirs, write(t, fmt.Sprintf("n%d", i), nativelog.Meta{GroupID: 1}, nativelog.Entry{Index: 1, Term: 1}))
	}
	s := newSiteOf(t, dirs...)
	for i := range dirs {
		for j := range i {
			s.compared(fmt.Sprintf("/diff?a=n%d&b=n%d", i, j))
		}
	}
	if n := len(s.pages.comparer.list); n != maxComparisons {
		t.Errorf("%d reports are kept, want %d", n, maxComparisons)
	}
}
