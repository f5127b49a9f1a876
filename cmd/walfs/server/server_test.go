package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/cmd/walfs/server/replica"
	"github.com/walfs/walfs/fsview"
	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/walcore/detect"
)

// set is the replicas of fixtures.
func set(t *testing.T, names ...string) *replica.Set {
	t.Helper()
	var dirs []replica.Directory
	for _, name := range names {
		dir := fixture.Dir(t, name)
		log, err := detect.Open(dir, detect.Options{})
		fixture.Must(t, err)
		live := fsview.NewLive(fsview.New(log, nil))
		t.Cleanup(func() { live.Close() })
		dirs = append(dirs, replica.Directory{Path: dir, Live: live})
	}
	return replica.NewSet(dirs...)
}

// serve serves fixtures until the test is over, or end is called.
func serve(t *testing.T, a Access, names ...string) (s *Server, end func()) {
	t.Helper()
	a.Listen = "127.0.0.1:0"
	s, err := Listen(set(t, names...), a, func(text string) { t.Error(text) })
	fixture.Must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Serve(ctx); err != nil {
			t.Error(err)
		}
	}()
	end = func() {
		cancel()
		<-ended
	}
	t.Cleanup(end)
	return s, end
}

func get(t *testing.T, c *http.Client, url string) (int, http.Header, string) {
	t.Helper()
	r, err := c.Get(url)
	fixture.Must(t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	fixture.Must(t, err)
	return r.StatusCode, r.Header, string(body)
}

// TestRoutes: each address leads where it should, by each method that there is.
func TestRoutes(t *testing.T) {
	s, _ := serve(t, Access{}, "alpha", "zero")
	for _, test := range []struct {
		method, path string
		want         int
		holds        string
	}{
		{"GET", "/", 200, "<html"},
		{"GET", "/log/alpha/", 200, "<html"},
		{"GET", "/nowhere", 404, "no page"},
		{"GET", "/dir/alpha/meta/last_index", 200, "975\n"},
		{"GET", "/dir/alpha", 200, "entries/"},
		{"GET", "/dir/", 200, "zero/"},
		{"GET", "/dir/beta/", 404, "beta"},
		{"GET", "/dir/alpha/../zero/meta/raft_id", 200, "1\n"}, // a way to write an address of ours
		{"GET", "/dir/alpha/../../../etc/passwd", 404, "no page"},
		{"GET", "/dir/alpha/%2e%2e/zero/", 404, ""},
		{"GET", "/dav/alpha/meta/last_index", 200, "975\n"},
		{"PROPFIND", "/dav/alpha", 403, "propfind-finite-depth"},
		{"PROPFIND", "/dav/", 403, "propfind-finite-depth"},
		{"PUT", "/dav/alpha/meta/last_index", 403, "read-only"},
		{"PUT", "/dav/", 403, "read-only"},
		{"MKCOL", "/dav/alpha/x", 403, "read-only"},
		{"OPTIONS", "/dav/alpha/", 200, ""},
		{"OPTIONS", "/", 200, ""},
		{"PUT", "/", 405, "only reads"},
		{"POST", "/api/status", 405, "only reads"},
		{"DELETE", "/dir/alpha/meta/last_index", 405, "read-only"},
		{"POST", "/dir/", 405, "read-only"},
		{"GET", "/api/status", 200, `"name": "zero"`},
		{"GET", "/api/alpha/status", 200, `"last_index": 975`},
		{"GET", "/api/nowhere", 404, "openapi.yaml"},
		{"GET", "/api/beta/status", 404, "beta"},
		{"GET", "/metrics", 200, `walfs_last_index{replica="alpha"} 975`},
	} {
		r, err := http.NewRequest(test.method, s.Address[:len(s.Address)-1]+test.path, nil)
		fixture.Must(t, err)
		answer, err := http.DefaultClient.Do(r)
		fixture.Must(t, err)
		body, err := io.ReadAll(answer.Body)
		fixture.Must(t, err)
		answer.Body.Close()
		if answer.StatusCode != test.want || !strings.Contains(string(body), test.holds) {
			t.Errorf("%s %s: %d\n%.300s", test.method, test.path, answer.StatusCode, body)
		}
		if answer.Header.Get("Content-Security-Policy") != policy {
			t.Errorf("%s %s: no policy", test.method, test.path)
		}
	}
}

// TestAccess: with a token, and with certificates, those who have them get in, and nobody else.
func TestAccess(t *testing.T) {
	cert, key := certificate(t)
	token := filepath.Join(t.TempDir(), "token")
	fixture.Must(t, os.WriteFile(token, []byte("0123456789abcdef\n"), 0o600))
	pem, err := os.ReadFile(cert)
	fixture.Must(t, err)
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(pem)
	pair, err := tls.LoadX509KeyPair(cert, key)
	fixture.Must(t, err)
	client := func(certificates ...tls.Certificate) *http.Client {
		return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, Certificates: certificates}, ForceAttemptHTTP2: true}}
	}

	s, _ := serve(t, Access{Cert: cert, Key: key, TokenFile: token}, "alpha")
	if code, _, _ := get(t, client(), s.Address); code != 401 {
		t.Errorf("without a token: %d", code)
	}
	withToken := strings.Replace(s.Address, "://", "://anybody:0123456789abcdef@", 1)
	if code, _, body := get(t, client(), withToken+"dir/alpha/meta/last_index"); code != 200 || body != "975\n" {
		t.Errorf("with the token: %d %s", code, body)
	}

	s, _ = serve(t, Access{Cert: cert, Key: key, ClientCA: cert}, "alpha")
	if r, err := client().Get(s.Address); err == nil {
		r.Body.Close()
		t.Errorf("without a certificate: %d", r.StatusCode)
	}
	if code, _, _ := get(t, client(pair), s.Address+"api/status"); code != 200 {
		t.Errorf("with a certificate: %d", code)
	}
}

// TestEnd: a server ends though clients listen to it, and has told them of each replica before.
func TestEnd(t *testing.T) {
	s, end := serve(t, Access{}, "alpha", "zero")
	r, err := http.Get(s.Address + "api/events")
	fixture.Must(t, err)
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	seen := map[string]bool{}
	for len(seen) < 2 && lines.Scan() {
		for _, name := range []string{"alpha", "zero"} {
			if strings.HasPrefix(lines.Text(), `data: {"name":"`+name+`"`) {
				seen[name] = true
			}
		}
	}
	if len(seen) < 2 {
		t.Fatalf("told of %v: %v", seen, lines.Err())
	}
	end()
	if _, err := http.Get(s.Address); err == nil {
		t.Error("it still answers")
	}
}

// TestBodies: a body is cut off where it is longer than any of ours, and a long one that does
// not come is not waited for.
func TestBodies(t *testing.T) {
	s, _ := serve(t, Access{}, "alpha")
	address := strings.TrimSuffix(strings.TrimPrefix(s.Address, "http://"), "/")
	for _, test := range []struct{ head, want string }{
		{"PUT /dav/alpha/x HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000000000\r\n\r\n", "HTTP/1.1 403"},
		{"GET /dir/alpha/meta/last_index HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000000\r\n\r\n", "HTTP/1.1 200"},
		{"PROPFIND /dav/alpha HTTP/1.1\r\nHost: %s\r\nDepth: 0\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat(" ", 70000), "HTTP/1.1 400"},
		{"GET / HTTP/1.1\r\nHost: %s\r\nX: " + strings.Repeat("x", 40000) + "\r\n\r\n", "HTTP/1.1 431"},
		{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400"}, // no host
	} {
		c, err := net.Dial("tcp", address)
		fixture.Must(t, err)
		if strings.Contains(test.head, "%s") {
			test.head = fmt.Sprintf(test.head, address)
		}
		// The server may close before all is sent.
		_, _ = io.WriteString(c, test.head)
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, test.want) {
			t.Errorf("%.60q: %q, %v", test.head, line, err)
		}
		c.Close()
	}
}
