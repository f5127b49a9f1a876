package explorer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/nativelog"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/status"
)

var (
	rowIndexes = regexp.MustCompile(`<tr data-index="(\d+)"`)
	dumped     = regexp.MustCompile(`<span class="codes">.*?</span></span>`)
	tags       = regexp.MustCompile(`<[^>]*>`)
)

// indexes are those of a page's rows.
func indexes(page string) (list []string) {
	for _, m := range rowIndexes.FindAllStringSubmatch(page, -1) {
		list = append(list, m[1])
	}
	return list
}

// TestEntries: a page without scripts has 100 rows, and links to the others.
func TestEntries(t *testing.T) {
	var list []nativelog.Entry
	for i := range 250 {
		list = append(list, nativelog.Entry{Term: 3, Index: uint64(i + 11), Data: nativelog.Mutation(uint64(i), 3)})
	}
	s := newSiteOf(t, write(t, "w", nativelog.Meta{RaftID: 1, GroupID: 1, Term: 3, Commit: 200}, list...))
	for path, want := range map[string][]string{ // the first row, the last one, the links
		"":                 {"11", "110", `rel="next" id="later" data-x`},
		"?from=111":        {"111", "210", "from=11&#34;", "from=211"},
		"?from=1,11":       {"111", "210", "from=11&#34;", "from=211"},
		"?from=211":        {"211", "260", "from=111&#34;"},
		"?from=50&grep=":   {"50", "149", "from=11&#34;", "from=150"},
		"?term=3&from=200": {"200", "260", "from=11&amp;term=3"},
	} {
		page := s.get("/log/w/entries"+path, 200)
		got := indexes(page)
		if len(got) == 0 || got[0] != want[0] || got[len(got)-1] != want[1] {
			t.Errorf("%q has rows %v", path, got)
		}
		for _, link := range want[2:] {
			link = strings.TrimSuffix(strings.ReplaceAll(link, "&#34;", `"`), " data-x")
			wants(t, page, link)
		}
	}
	page := s.get("/log/w/entries?from=199", 200)
	if n := strings.Count(page, "not committed"); n != 60 {
		t.Errorf("%d rows are not committed, want 60", n)
	}
	wants(t, page, "250 entries, 11 to 260", `data-commit="200"`, `<td class="c-kind">mutation</td>`)
	wants(t, s.get("/log/w/entries?from=9999", 200), "No entry from 9999 on: the log ends at 260.", "from=161")
	wants(t, newSite(t, "empty").get("/log/empty/entries", 200), "The log has no entries.")
}

// TestEntriesOfFilter: the page has what dump prints with the same filters, and marks what
// was searched for; what is wrong with a filter is said beside the form.
func TestEntriesOfFilter(t *testing.T) {
	s := newSite(t, "alpha", "etcd-small", "hashicorp-wal-n2")
	page := s.get("/log/alpha/entries?kind=schema&grep=na%2Be&type=&term=", 200)
	wants(t, page, `value="na&#43;e"`, `<option selected>schema</option>`, "No entry of ", "Show all")
	page = s.get("/log/alpha/entries?kind=schema&grep=n.me", 200)
	wants(t, page, "<mark>name</mark>", "found")
	for _, row := range strings.Split(page, "<tr data-index")[1:] {
		wants(t, row, `<td class="c-kind">schema</td>`)
	}
	page = s.get("/log/alpha/entries?kind=nothing&term=7", 400)
	wants(t, page, `role="alert"`, "nothing: want mutation", `value="7"`, `<option selected>nothing</option>`)
	wants(t, s.get("/log/alpha/entries?grep=(&grep=a", 200), "<mark>a</mark>")
	wants(t, s.get("/log/alpha/entries?from=x", 400), "from x: want a number")
	wants(t, s.get("/log/alpha/entries?nonsense=1", 400), "there is no filter nonsense")
	wants(t, s.get("/log/alpha/entries?uid=1", 200), `<details class="more" open>`)
	page = s.get("/log/etcd-small/entries?key=%2Fregistry%2Fpods%2Fns1%2Fpod-87", 200)
	if got := indexes(page); !slices.Contains(got, "5") || strings.Contains(page, `name="predicate"`) {
		t.Errorf("rows %v", got)
	}
	wants(t, s.get("/log/hashicorp-wal-n2/entries?type=log_noop", 200), "log_noop")
}

// TestEntry: an entry's page says what it is, what it says, and where it lies, with the bytes
// that are there.
func TestEntry(t *testing.T) {
	s := newSite(t, "alpha", "etcd-small", "hashicorp-wal-n2", "hashicorp-bolt-n2", "sealed128")
	for path, want := range map[string][]string{
		"alpha/entry/500": {"<h1>Entry 500</h1>", `rel="prev" href="/log/alpha/entry/499"`, `rel="next"`, "Slot 499", "offset of the payload&#39;s length",
			`/dir/alpha/decoded/00000000000000000500.json`, `<span class="jk">&#34;index&#34;</span>: <span class="jn">500</span>`, "30,000 in front"},
		"etcd-small/entry/5":               {"24 bytes from byte 464 of the file on", "running checksum", "put /registry/pods/ns1/pod-87", "The payload is bytes 488 to 607"},
		"hashicorp-wal-n2/entry/1057":      {"kind of frame", "bytes are not shown, since the entry holds a secret", "[redacted]", "by the leader's clock", "not known: HashiCorp Raft keeps none"},
		"hashicorp-bolt-n2/entry/1057":     {"raft.db is a database"},
		"hashicorp-wal-n2/entry/1":         nil,
		"alpha/entry/1":                    {"add node 1", `rel="next" href="/log/alpha/entry/2"`},
		"alpha/entry/2":                    {"The payload has no bytes"},
		"alpha/entry/99999999999":          nil,
		"alpha/entry/0":                    nil,
		"alpha/entry/18446744073709551616": nil,
	} {
		code := 200
		if want == nil {
			code, want = 404, []string{"log"}
		}
		wants(t, s.get("/log/"+path, code), want...)
	}
	lacks(t, s.get("/log/hashicorp-wal-n2/entry/1057", 200), `id="payload"`, "73 65 63 72 65 74") // secret
	lacks(t, s.get("/log/alpha/entry/1", 200), `rel="prev"`)
	// What the dumps show is what the file has.
	page := s.get("/log/alpha/entry/500", 200)
	log := s.set.Replicas[0].Now().Log
	e, err := log.Entry(500)
	fixture.Must(t, err)
	data, err := e.Data()
	fixture.Must(t, err)
	var got strings.Builder
	for _, line := range dumped.FindAllString(page, -1) {
		got.WriteString(tags.ReplaceAllString(line, ""))
	}
	file := fixture.ReadFile(t, filepath.Join(s.set.Replicas[0].Dir, "00001.wal"))
	wants(t, page, fmt.Sprintf("The payload is bytes %s to ", status.Grouped(e.Offset+4)))
	stored := slices.Concat(file[499*32:500*32], file[e.Offset:e.Offset+4], data)
	if want := fmt.Sprintf("% x ", stored); got.String() != want {
		t.Errorf("got  %s\nwant %s", got.String(), want)
	}
	wants(t, s.get("/log/sealed128/entry/3", 500), "encrypted, and no key was given", "--key-file")
	dir := fixture.Dir(t, "sealed128")
	sealed, err := detect.Open(dir, detect.Options{Key: fixture.Key("sealed128")})
	fixture.Must(t, err)
	defer sealed.Close()
	wants(t, serve(t, directory(dir, sealed)).get("/log/sealed128/entry/3", 200), "On disk the payload is encrypted, with data key ", `id="payload"`)
}

// TestReplacedEntry: what another leader had at the index is linked.
func TestReplacedEntry(t *testing.T) {
	s := newSite(t, "etcd-rewritten")
	page := ""
	log := s.set.Replicas[0].Now().Log
	for e := range log.Entries(1) {
		if page = s.get(fmt.Sprintf("/log/etcd-rewritten/entry/%d", e.Index), 200); strings.Contains(page, "/replaced/") {
			break
		}
	}
	wants(t, page, "was replaced", "/dir/etcd-rewritten/replaced/0000")
}

// TestLongEntry: a payload is shown in pages, and long JSON is cut.
func TestLongEntry(t *testing.T) {
	long := fixture.Mutation(1000, 50)
	text := bytes.Repeat([]byte("long text "), 200)
	s := newSiteOf(t, write(t, "w", nativelog.Meta{RaftID: 1, GroupID: 1, Term: 1, Commit: 2},
		nativelog.Entry{Term: 1, Index: 1, Data: long}, nativelog.Entry{Term: 1, Index: 2, Data: text}))
	page := s.get("/log/w/entry/1", 200)
	wants(t, page, "Here are bytes 0 to 4,095", "entry/1?bytes=4096#payload", "more, and others</summary>", "… cut here: show all ")
	if len(page) > 300<<10 {
		t.Errorf("the page has %d bytes", len(page))
	}
	page = s.get("/log/w/entry/1?bytes=4099", 200)
	wants(t, page, "Here are bytes 4,096 to 8,191", "bytes=0#payload", "bytes=8192#payload", `<span class="offset">00001000</span>`)
	for _, wrong := range []string{"-1", "x", "99999999"} {
		wants(t, s.get("/log/w/entry/1?bytes="+wrong, 200), "Here are bytes 0 to 4,095")
	}
	wants(t, s.get("/log/w/entry/2", 200), "show all 2,000 bytes")
}

// TestDamagedEntry: what cannot be read is said, and what to do, and no bytes are shown.
func TestDamagedEntry(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	fixture.Edit(t, filepath.Join(dir, "00001.wal")).SetLength(9, 1<<30)
	s := newSiteOf(t, dir)
	page := s.get("/log/alpha/entry/10", 500)
	wants(t, page, "00001.wal slot 9 offset 1048781 index 10: damaged.", "<li>", "walfs check "+dir, `rel="next"`)
	lacks(t, page, `class="dump"`)
	page = s.get("/log/alpha/entries?from=8", 200)
	wants(t, page, `class="error"`, "slot 9 ")
	if got := indexes(page); len(got) != pageRows || got[2] != "10" {
		t.Errorf("rows %v", got)
	}
}

// TestHexRuns: a half of a line is cut where parts begin and end.
func TestHexRuns(t *testing.T) {
	parts := []hexPart{{Key: "A", From: 2, To: 4}, {Key: "B", From: 4, To: 5}, {Key: "C", From: 7, To: 20}}
	var got []string
	for _, r := range hexRuns([]byte("ab\x00<fghi"), 0, parts) {
		got = append(got, r.Key+":"+r.Hex+r.Text)
	}
	if want := []string{":61 62 ab", "A:00 3c .<", "B:66 f", ":67 68 gh", "C:69 i"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestTransactions: the page has the transactions that the tally has, and says what is known
// while that counts.
func TestTransactions(t *testing.T) {
	s := newSite(t, "alpha", "zero", "etcd-small", "hashicorp-wal-n2")
	s.get("/log/alpha/transactions", 200)
	s.count()
	page := s.get("/log/alpha/transactions", 200)
	wants(t, page, "pending at commit", "committed at", `role="img"`)
	txns := s.set.Replicas[0].Tally().Txns
	first := txns.At(0)
	page = s.get("/log/alpha/transactions?from=1", 200)
	wants(t, page, fmt.Sprintf(`data-key="%d"`, first.StartTs), fmt.Sprintf("entries?from=%d&amp;txn=%d", first.First, first.StartTs))
	page = s.get(fmt.Sprintf("/log/alpha/transactions?txn=%d", first.StartTs), 200)
	if n := strings.Count(page, "data-key="); n != 1 {
		t.Errorf("%d transactions", n)
	}
	wants(t, s.get("/log/alpha/transactions?txn=1234567", 200), "No entry up to ")
	s.get("/log/alpha/transactions?txn=x", 400)
	s.get("/log/alpha/transactions?from=x", 400)
	var open []nativelog.Entry
	for i := range uint64(150) {
		open = append(open, nativelog.Entry{Term: 1, Index: i + 1, Data: nativelog.Mutation(i+1, 1)})
	}
	p := newSiteOf(t, write(t, "w", nativelog.Meta{RaftID: 1, GroupID: 1, Term: 1, Commit: 140}, open...))
	p.count()
	for query, want := range map[string]int{"pending=true": 100, "pending=1&from=120": 21, "from=120": 31, "": 100} {
		page := p.get("/log/w/transactions?"+query, 200)
		if n := strings.Count(page, "data-key="); n != want {
			t.Errorf("%s: %d transactions, want %d", query, n, want)
		}
		wants(t, page, "150 transactions, 140 of them pending at commit 140")
	}
	wants(t, p.get("/log/w/transactions?pending=true", 200), "from=101&amp;pending=true")
	for name, want := range map[string]string{"zero": "Zero", "etcd-small": "etcd decides", "hashicorp-wal-n2": "HashiCorp"} {
		wants(t, s.get("/log/"+name+"/transactions", 200), want)
	}
}

// TestMembers: the page says who is in the group and was, or why that is not known.
func TestMembers(t *testing.T) {
	s := newSite(t, "alpha", "etcd-small", "hashicorp-wal-n2")
	for _, r := range s.set.Replicas {
		list, err := r.Now().Members()
		fixture.Must(t, err)
		page := s.get("/log/"+r.Name+"/members", 200)
		for _, m := range list {
			wants(t, page, m.Text, m.Address)
		}
	}
	change := func(index uint64, text string) nativelog.Entry {
		typ, data := fixture.ConfChange(t, text)
		return nativelog.Entry{Index: index, Term: 1, Type: uint32(typ), Data: data}
	}
	m := nativelog.Meta{RaftID: 1, GroupID: 1, Term: 1, Commit: 4}
	s = newSiteOf(t, write(t, "w", m, change(1, "v1"), nativelog.Entry{Index: 2, Term: 1}, change(3, "l2"), change(4, "v2"), change(5, "r1")))
	page := s.get("/log/w/members", 200)
	wants(t, page, "voter from 1 to 4", "learner from 3 to 3; voter from 4 to 5", "added voter 1", "added learner 2", "removed voter 1", "not committed", "1, 2 (learner)")
	page = s.get("/log/w/members?before=4", 200)
	wants(t, page, "added learner 2")
	lacks(t, page, "removed voter 1")
	s.get("/log/w/members?before=x", 400)
	var many []nativelog.Entry
	for i := range uint64(2 * maxSteps) {
		many = append(many, change(i+1, fmt.Sprintf("v%d", i%(2*maxLanes)+1)))
	}
	m.Commit = 1
	page = newSiteOf(t, write(t, "w", m, many...)).get("/log/w/members", 200)
	wants(t, page, "members?before=201", "50 more are not drawn", "50 more</td>")
}

// TestHostileEntries: whatever an entry has is text.
func TestHostileEntries(t *testing.T) {
	const script = `</td><script>alert(1)</script><img src=x onerror=alert(2)>"'`
	mutation := bytes.ReplaceAll(bytes.ReplaceAll(fixture.Mutation(1, 20), []byte("0-name"), []byte(`0-<b>"`)), []byte("vvvvvvvvvvvvvvvvvvvv"), []byte(`<script>x()</script>`))
	s := newSiteOf(t, write(t, "w", nativelog.Meta{RaftID: 1, GroupID: 1, Term: 1, Commit: 2},
		nativelog.Entry{Term: 1, Index: 1, Data: mutation}, nativelog.Entry{Term: 1, Index: 2, Data: []byte(script)}))
	s.count()
	query := url.QueryEscape(script)
	for path, code := range map[string]int{
		"entries": 200, "entry/1": 200, "entry/2": 200, "transactions": 200, "members": 200, "entries?grep=%3Cscript": 200,
		"entries?grep=" + query: 200, "entries?grep=(" + query: 400, "entries?kind=" + query: 400, "entries?predicate=" + query: 200, "entries?" + query + "=1": 400,
		"transactions?txn=" + query: 400, "entry/" + url.PathEscape(script): 404,
	} {
		page := s.get("/log/w/"+path, code)
		lacks(t, page, "<script>", "<b>", "<img", `"'`)
	}
	wants(t, s.get("/log/w/entry/1", 200), "&lt;script&gt;x()&lt;/script&gt;", "0-&lt;b&gt;")
	wants(t, s.get("/log/w/entries?grep=%3Cscript", 200), "<mark>&lt;script</mark>")
}

// TestViewJSON: nothing is lost that there is room for, and what is folded is whole.
func TestViewJSON(t *testing.T) {
	for _, text := range []string{`{}`, `[]`, `{"a":[],"b":{"c":[1,2.50,-3e7,true,false,null,"x\"<&>\u2028"]}}`,
		`[1,2,3,4,5,6,7,8,9,10,[1,2,3,4,5,6,7,8,9,10,11,12],12]`} {
		shown := string(viewJSON([]byte(text), "/all"))
		shown = regexp.MustCompile(`<summary>.*?</summary>`).ReplaceAllString(shown, "")
		shown = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "&#34;", `"`, "&#39;", "'").Replace(tags.ReplaceAllString(shown, ""))
		var got, want bytes.Buffer
		fixture.Must(t, json.Compact(&want, []byte(text)))
		if err := json.Compact(&got, []byte(shown)); err != nil || got.String() != want.String() {
			t.Errorf("%s is shown as %s: %v", text, shown, err)
		}
	}
}
