package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/fsview/httpfs"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/memlog"
	"github.com/walfs/walfs/walcore"
	"github.com/walfs/walfs/walcore/detect"
	"github.com/walfs/walfs/walcore/payload"
)

// serve serves what is said of logs, of which each has the name of its directory.
func serve(t *testing.T, decoder payload.Decoder, logs ...walcore.Log) (address string) {
	t.Helper()
	var dirs []replica.Directory
	for _, log := range logs {
		live := fsview.NewLive(fsview.New(log, decoder))
		dirs = append(dirs, replica.Directory{Path: log.Meta().Path, Live: live})
	}
	set := replica.NewSet(dirs...)
	s := httptest.NewServer(New(set, func(r *replica.Replica) http.Handler {
		return httpfs.New(r.Live, httpfs.Options{Decode: set.Decode})
	}))
	t.Cleanup(s.Close)
	return s.URL + "/api/"
}

func openFixture(t *testing.T, dir string) walcore.Log {
	t.Helper()
	log, err := detect.Open(dir, detect.Options{})
	fixture.Must(t, err)
	t.Cleanup(func() { log.Close() })
	return log
}

// ask gives an answer's status and body.
func ask(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	fixture.Must(t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	fixture.Must(t, err)
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/") {
		t.Errorf("%s: it is %s", url, r.Header.Get("Content-Type"))
	}
	return r.StatusCode, string(body)
}

// TestAnswers: what is asked for in a wrong way, or is not there, is an error that says why,
// and everything else is answered.
func TestAnswers(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	fixture.Edit(t, filepath.Join(dir, "00001.wal")).SetLength(9, 1<<30) // of entry 10, behind the file's end
	address := serve(t, nil, openFixture(t, dir), openFixture(t, fixture.Dir(t, "sealed128")))
	for _, test := range []struct {
		path string
		want int
		says string
	}{
		{"status", 200, `"name": "alpha"`},
		{"openapi.yaml", 200, "openapi: 3"},
		{"nothing", 404, "openapi.yaml"},
		{"beta/status", 404, "beta"},
		{"alpha/status", 200, `"last_index": 975`},
		{"alpha/entry/42", 200, `"kind":"delta"`},
		{"alpha/entry/042", 200, `"index":42`},
		{"alpha/entry/10", 500, "damaged"},
		{"alpha/entry/0", 404, "1 to 975"},
		{"alpha/entry/976", 404, "1 to 975"},
		{"alpha/entry/-1", 400, "no index"},
		{"alpha/entry/18446744073709551616", 400, "no index"},
		{"alpha/decoded/42", 200, `"commit_ts": "30"`},
		{"alpha/decoded/10", 500, "damaged"},
		{"alpha/decoded/976", 404, "1 to 975"},
		{"sealed128/decoded/5", 403, "key"},
		{"alpha/entries?kind=nothing", 400, "kind"},
		{"alpha/entries?grep=(", 400, "grep"},
		{"alpha/entries?grep=(a|[^x]{1,400})*z", 400, "too long"},
		{"alpha/entries?limit=10001", 400, "limit"},
		{"alpha/entries?limit=-1", 400, "limit"},
		{"alpha/entries?from=x", 400, "from"},
		{"alpha/entries?from=9&to=8", 400, "from"},
		{"alpha/entries?decode=maybe", 400, "decode"},
		{"alpha/entries?colour=red", 400, "colour"},
		{"alpha/entries?%zz", 400, "escape"},
		{"alpha/entries?from=10&to=10", 200, `{"index":10,"error":`},
		{"sealed128/entries?to=1", 200, `"error":`},
		{"alpha/stats?by=kind&top=1", 200, `"left_off"`},
		{"alpha/stats?by=colour", 400, "by"},
		{"alpha/stats?kind=nothing", 400, "kind"},
		{"alpha/explain", 200, `"checkpoint_index"`},
		{"alpha/diff", 200, `"common"`},
		{"alpha/diff?with=alpha", 400, "alpha"},
		{"alpha/diff?with=beta", 400, "beta"},
		{"alpha/transactions?limit=0", 400, "limit"},
		{"alpha/transactions?txn=x", 400, "txn"},
		{"alpha/transactions?colour=red", 400, "colour"},
		{"alpha/diff?colour=red", 400, "colour"},
		{"sealed128/members", 200, `"error": "00001.wal`},
	} {
		code, body := ask(t, address+test.path)
		if code != test.want || !strings.Contains(body, test.says) {
			t.Errorf("%s: %d\n%.300s", test.path, code, body)
		}
		if code != 200 && !json.Valid([]byte(body)) {
			t.Errorf("%s: %d, not JSON: %s", test.path, code, body)
		}
	}
}

// TestPages: page behind page, all entries come, each once, and what is cut off says where to
// go on.
func TestPages(t *testing.T) {
	address := serve(t, nil, openFixture(t, fixture.Dir(t, "alpha")))
	next, seen := uint64(1), uint64(0)
	for pages := 0; next > 0; pages++ {
		code, body := ask(t, fmt.Sprintf("%salpha/entries?from=%d&limit=300", address, next))
		if code != 200 || pages > 3 {
			t.Fatal(code, body)
		}
		next = 0
		for line := range strings.Lines(body) {
			var x struct{ Index, Next uint64 }
			fixture.Must(t, json.Unmarshal([]byte(line), &x))
			if next = x.Next; next == 0 {
				if seen++; x.Index != seen {
					t.Fatalf("index %d, want %d", x.Index, seen)
				}
			}
		}
	}
	if seen != 975 {
		t.Errorf("%d entries", seen)
	}
	// The default, and what a filter leaves.
	if _, body := ask(t, address+"alpha/entries"); strings.Count(body, "\n") != usualLimit+1 {
		t.Errorf("%d lines", strings.Count(body, "\n"))
	}
	_, body := ask(t, address+"alpha/entries?kind=schema&decode=true&grep=name")
	if !strings.Contains(body, `"decoded":{`) || strings.Contains(body, "next") {
		t.Error(body)
	}
}

// waiting is a decoder that does not go on behind an index until it may.
type waiting struct {
	payload.Decoder
	until uint64
	may   chan struct{}
}

func (w waiting) AppendJSON(dst []byte, e payload.Entry) ([]byte, error) {
	if e.Index > w.until {
		<-w.may
	}
	return w.Decoder.AppendJSON(dst, e)
}

// TestFirstHit: the first entry that matches is sent while others are still looked for.
func TestFirstHit(t *testing.T) {
	var entries []memlog.Entry
	for i := range uint64(2000) {
		data := "hay"
		if i%1000 == 41 {
			data = "needle"
		}
		entries = append(entries, memlog.Entry{Term: 1, Index: i + 1, Type: walcore.EntryNormal, Data: data, File: "a"})
	}
	w := waiting{payload.NewDgraph(payload.Zero, payload.Options{}), 100, make(chan struct{})}
	address := serve(t, w, memlog.New("/haystack", entries))
	r, err := http.Get(address + "haystack/entries?grep=needle")
	fixture.Must(t, err)
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	if !lines.Scan() || !strings.Contains(lines.Text(), `"index":42`) {
		t.Fatal(lines.Text(), lines.Err())
	}
	close(w.may)
	if !lines.Scan() || !strings.Contains(lines.Text(), `"index":1042`) || lines.Scan() {
		t.Fatal(lines.Text(), lines.Err())
	}
}

// TestGone: a search ends when nobody waits for it any more, and others can decode then.
func TestGone(t *testing.T) {
	entries := make([]memlog.Entry, 3)
	for i := range entries {
		entries[i] = memlog.Entry{Term: 1, Index: uint64(i) + 1, Type: walcore.EntryNormal, Data: "x", File: "a"}
	}
	w := waiting{payload.NewDgraph(payload.Zero, payload.Options{}), 1, make(chan struct{})}
	live := fsview.NewLive(fsview.New(memlog.New("/log", entries), w))
	h := New(replica.NewSet(replica.Directory{Path: "/log", Live: live}), nil)
	ended := make(chan any)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer func() { ended <- recover() }()
		h.ServeHTTP(rw, r)
	}))
	defer s.Close()
	for range runtime.GOMAXPROCS(0) + 2 { // more than may decode at a time
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/api/log/entries?grep=x", nil)
		fixture.Must(t, err)
		answer, err := http.DefaultClient.Do(r)
		fixture.Must(t, err)
		if _, err := bufio.NewReader(answer.Body).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		cancel()
		for over := false; !over; {
			select {
			case w.may <- struct{}{}:
			case v := <-ended:
				if over = true; v != nil && v != http.ErrAbortHandler {
					t.Error(v)
				}
			}
		}
	}
}

// TestLongLines: what an entry means is not in a line where that would be long.
func TestLongLines(t *testing.T) {
	address := serve(t, nil, memlog.New("/log", []memlog.Entry{
		{Term: 1, Index: 1, Type: walcore.EntryNormal, Data: strings.Repeat("long ", 100<<10), File: "a"},
		{Term: 1, Index: 2, Type: walcore.EntryNormal, Data: "short", File: "a"},
	}))
	_, body := ask(t, address+"log/entries?decode=true")
	lines := strings.Split(body, "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[0], `"decoded_at":"/api/log/decoded/1"}`) || !strings.Contains(lines[1], `"decoded":{`) {
		t.Errorf("%.1000s", body)
	}
	if code, body := ask(t, strings.TrimSuffix(address, "/api/")+"/api/log/decoded/1"); code != 200 || len(body) < 500<<10 {
		t.Errorf("%d, %d bytes", code, len(body))
	}
}

// TestStreams: there are as many streams of events as leave connections for others. One more is
// told to come back, and gets its turn when another one has ended.
func TestStreams(t *testing.T) {
	address := serve(t, nil, memlog.Sample("/log"))
	begin := func() (status int, end func()) {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, "GET", address+"events", nil)
		fixture.Must(t, err)
		answer, err := http.DefaultClient.Do(r)
		fixture.Must(t, err)
		return answer.StatusCode, func() { cancel(); answer.Body.Close() }
	}
	var ends []func()
	for range mostStreams {
		code, end := begin()
		defer end()
		if code != 200 {
			t.Fatal(code)
		}
		ends = append(ends, end)
	}
	if code, end := begin(); code != 503 {
		t.Errorf("one more stream: %d", code)
	} else {
		end()
	}
	ends[0]()
	for {
		code, end := begin()
		end()
		if code == 200 { // the server has noticed that one is gone
			return
		}
	}
}
