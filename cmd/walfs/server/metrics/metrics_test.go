package metrics

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/payload"
	"github.com/walfs/walfs/walcore/status"
	"github.com/walfs/walfs/walcore/tally"
)

type list []Replica

func (l list) Replicas() []Replica { return l }

// open is a fixture as a server knows it.
func open(t *testing.T, name string) Replica {
	t.Helper()
	log, err := detect.Open(fixture.Dir(t, name), detect.Options{Key: fixture.Key(name)})
	fixture.Must(t, err)
	t.Cleanup(func() { log.Close() })
	sums, err := tally.New().Update(t.Context(), log, payload.Of(log, payload.Options{}), nil)
	fixture.Must(t, err)
	return Replica{Name: name, Up: true, Status: status.New(log), Tally: sums, LastEntry: LastEntry(log)}
}

// scrape gives what Prometheus's own parser reads, by series: name{label="value",…}.
func scrape(t *testing.T, replicas ...Replica) (series map[string]float64, text string) {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(list(replicas)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	text = w.Body.String()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	fixture.Must(t, err)
	series = map[string]float64{}
	for name, family := range families {
		for _, m := range family.Metric {
			series[name+labels(m)] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return series, text
}

func labels(m *dto.Metric) string {
	var all []string
	for _, l := range m.Label {
		all = append(all, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	if all == nil {
		return ""
	}
	return "{" + strings.Join(all, ",") + "}"
}

// TestDgraph: the values are those that Dgraph's own code has read.
func TestDgraph(t *testing.T) {
	r := open(t, "alpha")
	r.Rewrites, r.Elections = 3, 4
	got, _ := scrape(t, r)
	m := fixture.ReadManifest(t, "alpha")
	for name, want := range map[string]uint64{
		"up": 1, "first_index": m.Meta.FirstIndex, "last_index": m.Meta.LastIndex, "commit_index": m.Meta.HardState.Commit,
		"applied_index": m.Meta.CheckpointIndex, "snapshot_index": m.Meta.Snapshot.Index, "term": m.Meta.HardState.Term,
		"vote": m.Meta.HardState.Vote, "counted_index": m.Entries[len(m.Entries)-1].Index, "rewrites_total": 3, "elections_total": 4,
		"pending_transactions": uint64(r.Tally.Pending.Count),
	} {
		if v, ok := got["walfs_"+name+`{replica="alpha"}`]; !ok || v != float64(want) {
			t.Errorf("%s is %v, %t, want %d", name, v, ok, want)
		}
	}
	id := fmt.Sprintf(`walfs_info{group="%d",id="%d",replica="alpha",system="dgraph"}`, m.Meta.GroupID, m.Meta.RaftID)
	if got[id] != 1 {
		t.Errorf("%s is not there", id)
	}
	var size int64
	for _, e := range m.Entries {
		size += e.Size
	}
	if n, b := sum(got, "walfs_entries{"), sum(got, "walfs_entry_bytes{"); n != float64(len(m.Entries)) || b != float64(size) {
		t.Errorf("%v entries with %v bytes, want %d with %d", n, b, len(m.Entries), size)
	}
	if n := got[`walfs_file_bytes{file="00001.wal",replica="alpha"}`]; n != float64(r.Status.Files[0].Size) {
		t.Errorf("the log file has %v bytes", n)
	}
	if at := got[`walfs_last_entry_timestamp_seconds{replica="alpha"}`]; at < 1.7e9 || at > float64(time.Now().Unix()+1) {
		t.Errorf("the last entry was appended at %v", at)
	}
}

// sum adds up the series that begin alike.
func sum(series map[string]float64, prefix string) (n float64) {
	for name, v := range series {
		if strings.HasPrefix(name, prefix) {
			n += v
		}
	}
	return n
}

// names are those of the metrics that a scrape has of walfs.
func names(series map[string]float64) (names []string) {
	for name := range series {
		name, _, _ = strings.Cut(name, "{")
		if strings.HasPrefix(name, "walfs_") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// TestNotKnown: what a system does not keep, or nobody knows, is not exported.
func TestNotKnown(t *testing.T) {
	always := []string{"walfs_elections_total", "walfs_rewrites_total", "walfs_up"}
	got, _ := scrape(t, Replica{Name: "gone"})
	if !slices.Equal(names(got), always) || got[`walfs_up{replica="gone"}`] != 0 {
		t.Errorf("of a directory that could not be read: %v", got)
	}
	counting := open(t, "alpha")
	counting.Tally, counting.LastEntry = nil, time.Time{}
	got, _ = scrape(t, counting)
	for _, name := range []string{"walfs_entries", "walfs_entry_bytes", "walfs_counted_index", "walfs_pending_transactions", "walfs_last_entry_timestamp_seconds"} {
		if slices.Contains(names(got), name) {
			t.Errorf("%s is known before anything is counted", name)
		}
	}

	hashicorp := open(t, fixture.HashiCorp()[0])
	got, _ = scrape(t, hashicorp)
	for _, name := range []string{"walfs_commit_index", "walfs_applied_index", "walfs_vote", "walfs_pending_transactions"} {
		if slices.Contains(names(got), name) {
			t.Errorf("%s is known of HashiCorp's", name)
		}
	}
	m := fixture.ReadOther(t, hashicorp.Name)
	in := `{replica="` + hashicorp.Name + `"}`
	if got["walfs_term"+in] != float64(m.CurrentTerm) || got["walfs_last_index"+in] != float64(m.LastIndex) {
		t.Errorf("%v", got)
	}
	appended := m.List[len(m.List)-1].AppendedAt
	if at := got["walfs_last_entry_timestamp_seconds"+in]; at != float64(appended.UnixNano())/1e9 {
		t.Errorf("the last entry was appended at %v, want %v", at, appended)
	}
	if slices.Contains(names(got), "walfs_vote_info") {
		t.Errorf("a vote of term %d is told in term %d", m.LastVoteTerm, m.CurrentTerm)
	}
	hashicorp.Status.Stable = &walcore.Stable{CurrentTerm: m.LastVoteTerm, LastVoteTerm: m.LastVoteTerm, LastVoteCandidate: m.LastVoteCandidate}
	if got, _ := scrape(t, hashicorp); got[`walfs_vote_info{replica="`+hashicorp.Name+`",vote="`+m.LastVoteCandidate+`"}`] != 1 {
		t.Errorf("no vote for %s: %v", m.LastVoteCandidate, got)
	}

	etcd := open(t, fixture.Etcd()[0])
	got, _ = scrape(t, etcd)
	o := fixture.ReadOther(t, etcd.Name)
	if got[fmt.Sprintf(`walfs_vote_info{replica="%s",vote="%x"}`, etcd.Name, o.HardState.Vote)] != 1 || slices.Contains(names(got), "walfs_vote") {
		t.Errorf("etcd's vote: %v", got)
	}
	etcd.Status.HardState = &walcore.HardState{Term: 3}
	if got, _ := scrape(t, etcd); slices.Contains(names(got), "walfs_vote_info") {
		t.Errorf("etcd voted for nobody: %v", got)
	}
	if got[fmt.Sprintf(`walfs_info{group="%s",id="%s",replica="%s",system="etcd"}`, o.ClusterID, o.NodeID, etcd.Name)] != 1 {
		t.Errorf("etcd's ids: %v", got)
	}
}

// hostile is a replica with names that are none, and so many log files.
func hostile(files int) Replica {
	s := status.Status{System: "memory"}
	sums := tally.Tally{}
	for i := range files {
		name := fmt.Sprintf("%d\"\n\xff.wal", i)
		s.Files = append(s.Files, status.File{Name: name, Size: 2, DiskBytes: 1})
		f := tally.File{Name: name, Kinds: []tally.Kind{{Name: "text"}}}
		f.Kinds[0].Entries, f.Kinds[0].Bytes = 3, 4
		sums.Files = append(sums.Files, f)
	}
	s.Problems = []walcore.Problem{{Kind: walcore.KindHole}, {Kind: walcore.KindHole}, {Kind: walcore.KindOrder, Slots: 7}}
	return Replica{Name: "a\xffb", Status: &s, Tally: &sums}
}

// TestHostile: any names are told, and no more than so many log files.
func TestHostile(t *testing.T) {
	got, _ := scrape(t, hostile(mostFiles+5))
	for series, want := range map[string]float64{
		"walfs_entries{file=\"(more)\",kind=\"text\",replica=\"a\uFFFDb\"}":                 15,
		"walfs_entry_bytes{file=\"5\\\"\\n\uFFFD.wal\",kind=\"text\",replica=\"a\uFFFDb\"}": 4,
		"walfs_file_bytes{file=\"(more)\",replica=\"a\uFFFDb\"}":                            10,
		"walfs_file_disk_bytes{file=\"(more)\",replica=\"a\uFFFDb\"}":                       5,
		"walfs_problems{kind=\"hole\",replica=\"a\uFFFDb\"}":                                2,
		"walfs_problems{kind=\"out_of_order\",replica=\"a\uFFFDb\"}":                        7,
	} {
		if v, ok := got[series]; !ok || v != want {
			t.Errorf("%s is %v, %t, want %v", series, v, ok, want)
		}
	}
	if n := sum(got, "walfs_file_disk_bytes{"); n != mostFiles+5 {
		t.Errorf("files take %v bytes", n)
	}
	if len(got) > 4*(mostFiles+1)+100 {
		t.Errorf("%d series", len(got))
	}
}

// TestOneThatCannotBeTold: two replicas with one name do not hide another one.
func TestOneThatCannotBeTold(t *testing.T) {
	got, _ := scrape(t, Replica{Name: "a"}, Replica{Name: "a"}, Replica{Name: "b", Up: true})
	if v, ok := got[`walfs_up{replica="b"}`]; !ok || v != 1 {
		t.Errorf("%v", got)
	}
}

// TestLastEntry: an entry that does not know when it was appended has the time of its log file's
// last write.
func TestLastEntry(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	log := memlog.New("w", []memlog.Entry{{Term: 1, Index: 1, File: "a", Appended: at}})
	if got := LastEntry(log); got != at {
		t.Errorf("%v, want %v", got, at)
	}
	log = memlog.New("w", []memlog.Entry{{Term: 1, Index: 1, File: "a"}})
	if got := LastEntry(log); got != log.Files()[0].Attr.Mtime {
		t.Errorf("%v", got)
	}
	if got := LastEntry(memlog.New("w", nil)); !got.IsZero() {
		t.Errorf("of an empty log: %v", got)
	}
}

// TestConventions: Prometheus's own linter finds nothing, nor promtool, which CI must have.
func TestConventions(t *testing.T) {
	replicas := []Replica{open(t, "alpha"), open(t, fixture.Etcd()[0]), open(t, fixture.HashiCorp()[0]), hostile(3)}
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(collector{list(replicas)})
	found, err := testutil.GatherAndLint(r)
	if err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
	_, text := scrape(t, replicas...)
	if out, err := promtool(t, text, "check", "metrics"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if n := strings.Count(text, "\n# TYPE go_") + strings.Count(text, "\n# TYPE process_"); n == 0 || n > 20 {
		t.Errorf("%d metrics of the process", n)
	}
}

// promtool runs Prometheus's tool.
func promtool(t *testing.T, stdin string, args ...string) (out []byte, err error) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("promtool is not installed")
	}
	cmd := exec.Command("promtool", args...)
	cmd.Stdin = strings.NewReader(stdin)
	return cmd.CombinedOutput()
}
