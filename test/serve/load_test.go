//go:build linux

package serve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

// holding is what the server holds of its machine, by its own /metrics.
type holding struct{ bytes, goroutines, descriptors int }

func (s *server) holding(t testing.TB) (h holding) {
	t.Helper()
	for line := range strings.Lines(string(s.get(t, "/metrics").body)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "process_resident_memory_bytes":
			h.bytes = int(n)
		case "go_goroutines":
			h.goroutines = int(n)
		case "process_open_fds":
			h.descriptors = int(n)
		}
	}
	if h.bytes == 0 || h.goroutines == 0 || h.descriptors == 0 {
		t.Fatalf("/metrics do not tell what the server holds: %+v", h)
	}
	return h
}

// awaitRest waits until the server holds no more goroutines and descriptors than at rest.
func (s *server) awaitRest(t testing.TB, rest holding) {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	child.Await(t, "the server to have let go of its clients", func() bool {
		h := s.holding(t)
		return h.goroutines <= rest.goroutines && h.descriptors <= rest.descriptors
	})
}

// want is a request, and what its answer must be.
type want struct {
	path  string
	holds func(body []byte) bool
}

// wants are requests of all sorts. Each answer is compared with the one that it got when nobody
// else asked, or with the manifest; pages, which tell the time, must be whole.
func wants(t *testing.T, s *server) (list []want) {
	for _, path := range []string{"/dir/alpha/", "/dir/alpha/meta/hard_state/term", "/dir/alpha/status.json",
		"/dir/alpha/jsonl/00001.wal.jsonl", "/dav/alpha/decoded/00000000000000000300.json", "/api/alpha/status",
		"/api/alpha/entries?kind=mutation&limit=50", "/api/alpha/entries?grep=name&limit=20&decode=true", "/api/zero/entries?limit=1000",
		"/api/alpha/decoded/77", "/api/alpha/entry/78", "/api/alpha/stats", "/api/zero/explain", "/api/etcd-small/stats?by=kind",
		"/api/alpha/transactions", "/api/alpha/diff?with=zero"} {
		a := s.get(t, path)
		if a.status != 200 {
			t.Fatalf("%s: %d %.200s", path, a.status, a.body)
		}
		list = append(list, want{path, func(body []byte) bool { return bytes.Equal(body, a.body) }})
	}
	for _, path := range []string{"/log/alpha/", "/log/alpha/entries?from=300", "/log/zero/entry/30", "/log/alpha/transactions", "/diff"} {
		list = append(list, want{path, func(body []byte) bool { return bytes.HasSuffix(bytes.TrimSpace(body), []byte("</html>")) }})
	}
	for i, e := range fixture.ReadManifest(t, "alpha").Entries {
		if i%40 == 0 {
			list = append(list, want{fmt.Sprintf("/dir/alpha/entries/%020d", e.Index), func(body []byte) bool {
				return fmt.Sprintf("%x", sha256.Sum256(body)) == e.SHA256
			}})
		}
	}
	return list
}

// TestLoad: many clients at once, some of which read slowly or are gone before their answer is,
// get the right answers, and what the server holds does not grow with the time.
func TestLoad(t *testing.T) {
	const clients, slow = 200, 20
	duration := fixture.Size(3*time.Second, time.Minute)
	s := serve(t, fixture.Dir(t, "alpha"), fixture.Dir(t, "zero"), fixture.Dir(t, "etcd-small"))
	list := wants(t, s)
	http.DefaultClient.CloseIdleConnections()
	rest := s.holding(t)
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	var (
		wait           sync.WaitGroup
		whole, propped atomic.Int64
	)
	for i := range clients {
		wait.Go(func() {
			c := &loadClient{t: t, s: s, r: rand.New(rand.NewPCG(1, uint64(i))),
				http: &http.Client{Transport: &http.Transport{DisableCompression: i%2 == 0}}}
			defer c.http.CloseIdleConnections()
			if i < slow {
				c.slowly(ctx)
				return
			}
			for ctx.Err() == nil {
				switch c.r.IntN(10) {
				case 0:
					c.cut(ctx)
				case 1:
					c.events(ctx)
				case 2:
					if c.propfind(ctx) {
						propped.Add(1)
					}
				default:
					if c.ask(ctx, list[c.r.IntN(len(list))]) {
						whole.Add(1)
					}
				}
				select { // as people and programs do that look at what they got
				case <-ctx.Done():
				case <-time.After(time.Duration(c.r.IntN(400)) * time.Millisecond):
				}
			}
		})
	}
	// What is held while all of them ask differs from one moment to the next: of many looks the
	// largest is taken.
	var warm, end holding
	for looks := 0; ctx.Err() == nil; looks++ {
		h := s.holding(t)
		if began, _ := ctx.Deadline(); time.Until(began) > duration/2 {
			warm.bytes = max(warm.bytes, h.bytes)
		} else {
			end.bytes = max(end.bytes, h.bytes)
		}
		select {
		case <-ctx.Done():
		case <-time.After(duration / 60):
		}
	}
	wait.Wait()
	t.Logf("%d whole answers, %d PROPFINDs; at rest %+v, %d MB in the first half, %d MB in the second", whole.Load(), propped.Load(), rest, warm.bytes>>20, end.bytes>>20)
	if whole.Load() < 100 || propped.Load() == 0 {
		t.Errorf("only %d answers and %d PROPFINDs", whole.Load(), propped.Load())
	}
	if end.bytes > warm.bytes+warm.bytes/3+16<<20 {
		t.Errorf("memory has grown from %d to %d bytes", warm.bytes, end.bytes)
	}
	s.awaitRest(t, rest)
}

// loadClient is one of them.
type loadClient struct {
	t    *testing.T
	s    *server
	r    *rand.Rand
	http *http.Client
}

// ask reports whether it got a whole answer. A server that is busy may say so.
func (c *loadClient) ask(ctx context.Context, w want) bool {
	status, body, err := c.do(ctx, "GET", w.path, nil)
	switch {
	case err != nil || status == http.StatusServiceUnavailable:
		if ctx.Err() == nil && err != nil {
			c.t.Errorf("%s: %v", w.path, err)
		}
		return false
	case status != 200 || !w.holds(body):
		c.t.Errorf("%s: %d, and not what it was before: %.200s", w.path, status, body)
	}
	return true
}

func (c *loadClient) do(ctx context.Context, method, path string, header http.Header) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.s.URL+path, nil)
	if err != nil {
		return 0, nil, err
	}
	r.Header = header
	a, err := c.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	return a.StatusCode, body, err
}

func (c *loadClient) propfind(ctx context.Context) bool {
	status, body, err := c.do(ctx, "PROPFIND", "/dav/alpha/types/conf_change/", http.Header{"Depth": {"1"}})
	if err != nil || status == http.StatusServiceUnavailable {
		return false
	}
	if n := bytes.Count(body, []byte("<D:response>")); status != 207 || n != 2 {
		c.t.Errorf("PROPFIND: %d with %d answers: %.300s", status, n, body)
	}
	return true
}

// events listens for a while.
func (c *loadClient) events(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.r.IntN(1000))*time.Millisecond)
	defer cancel()
	_, body, _ := c.do(ctx, "GET", "/api/events", nil)
	if len(body) > 0 && !bytes.HasPrefix(body, []byte("event: change\ndata: {")) {
		c.t.Errorf("events: %.200s", body)
	}
}

// begin asks for something of more than a few bytes. The connection ends with ctx at the latest.
func (c *loadClient) begin(ctx context.Context) (net.Conn, error) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.s.URL, "http://"))
	if err != nil {
		return nil, err
	}
	end, _ := ctx.Deadline()
	if err := conn.SetDeadline(end); err != nil {
		return nil, err
	}
	paths := []string{"/dir/alpha/native/00001.wal", "/api/alpha/entries?decode=true&limit=1000", "/dir/alpha/jsonl/00001.wal.jsonl", "/log/alpha/"}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", paths[c.r.IntN(len(paths))])
	return conn, nil
}

// cut goes before the answer is there, or is whole.
func (c *loadClient) cut(ctx context.Context) {
	conn, err := c.begin(ctx)
	if err != nil {
		c.t.Error(err)
		return
	}
	defer conn.Close()
	io.CopyN(io.Discard, conn, c.r.Int64N(4096))
}

// slowly reads a byte a second of an answer, until it is cut off or the test ends.
func (c *loadClient) slowly(ctx context.Context) {
	conn, err := c.begin(ctx)
	if err != nil {
		c.t.Error(err)
		return
	}
	defer conn.Close()
	for b := make([]byte, 1); ctx.Err() == nil; {
		if _, err := conn.Read(b); err != nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}
