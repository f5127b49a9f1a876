//go:build linux

package serve

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
)

// endless gives as many bytes as somebody takes.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	return copy(p, bytes.Repeat([]byte("X-More: and more of it\r\n"), len(p)/24+1)), nil
}

// maxConnections is how many the server has at a time.
const maxConnections = 512

// TestHold: who sends too much is refused, and who opens connections gets no more of them than
// there are; others are served afterwards.
func TestHold(t *testing.T) {
	s := serve(t, fixture.Dir(t, "alpha"))
	at := strings.TrimPrefix(s.URL, "http://")
	rest := s.holding(t)
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", at)
		fixture.Must(t, err)
		return conn
	}

	conn := dial()
	sent, _ := io.Copy(conn, io.MultiReader(strings.NewReader("GET / HTTP/1.1\r\nHost: localhost\r\n"), io.LimitReader(endless{}, 64<<20)))
	conn.Close()
	if sent >= 32<<20 {
		t.Errorf("%d bytes of headers were taken", sent)
	}

	r, err := http.NewRequest("PROPFIND", s.URL+"/dav/alpha/", io.MultiReader(strings.NewReader("<propfind xmlns='DAV:'>"), io.LimitReader(endless{}, 10<<20)))
	fixture.Must(t, err)
	a, err := http.DefaultClient.Do(r)
	if err == nil { // it may have been cut off
		a.Body.Close()
		if a.StatusCode < 400 {
			t.Errorf("a PROPFIND of 10 MB: %s", a.Status)
		}
	}

	var conns []net.Conn
	for range fixture.Size(1000, 10_000) {
		conn, err := net.DialTimeout("tcp", at, 20*time.Millisecond)
		if err != nil {
			continue // there is no room behind those that wait
		}
		conns = append(conns, conn)
		io.WriteString(conn, "GET /api/status HTTP/1.1\r\nHost: loc") // and no more of it
	}
	if n := s.descriptors(t); n > maxConnections+rest.descriptors+8 {
		t.Errorf("%d descriptors", n)
	}
	for _, conn := range conns {
		conn.Close()
	}
	s.awaitRest(t, rest)
	if h := s.holding(t); h.bytes > rest.bytes+64<<20 {
		t.Errorf("%d bytes are held afterwards, %d before", h.bytes, rest.bytes)
	}
}

// TestSlowHeaders: who does not go on with a request is cut off. That takes the server's ten
// seconds, for as many as it has at a time.
func TestSlowHeaders(t *testing.T) {
	s := serve(t, fixture.Dir(t, "alpha"))
	rest := s.holding(t)
	var conns []net.Conn
	for range fixture.Size(8, 2*maxConnections) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		fixture.Must(t, err)
		defer conn.Close()
		io.WriteString(conn, "GET /api/status HTTP/1.1\r\nHost: loc")
		conns = append(conns, conn)
	}
	for _, conn := range conns {
		io.Copy(io.Discard, conn) // until the server ends it
	}
	s.awaitRest(t, rest)
}

// descriptors is how many the server has. It is asked of the system: the server itself has no
// connection left to answer on.
func (s *server) descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Pid()))
	fixture.Must(t, err)
	return len(list)
}
