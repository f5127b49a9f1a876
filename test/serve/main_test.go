//go:build linux

package serve

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
)

func TestMain(m *testing.M) { os.Exit(child.Main(m)) }

// server is a walfs serve.
type server struct {
	*child.Process
	URL string // without / at the end
}

var saidAddress = regexp.MustCompile(` at (http://\S+)/; Ctrl-C`)

// serve serves directories until the end of the test. args are flags and directories.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	args = append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)
	s := &server{Process: child.Start(t, nil, child.Walfs(t), args...)}
	child.Await(t, "the server", func() bool {
		if s.Ended() {
			t.Fatalf("walfs serve ended: %s", s.Said())
		}
		if found := saidAddress.FindStringSubmatch(s.Said()); found != nil {
			s.URL = found[1]
		}
		return s.URL != ""
	})
	t.Cleanup(func() {
		if !s.Ended() {
			s.Stop()
		}
	})
	return s
}

// answer is a whole answer of the server.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// kind is the media type without its parameters.
func (a answer) kind() string {
	kind, _, _ := bytes.Cut([]byte(a.header.Get("Content-Type")), []byte(";"))
	return string(kind)
}

// get asks for a path, and whatever follows it.
func (s *server) get(t testing.TB, path string) answer {
	t.Helper()
	r, err := http.Get(s.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return answer{r.StatusCode, r.Header, body}
}

// firstIndex is the one of a directory that is served.
func (s *server) firstIndex(t testing.TB, name string) uint64 {
	t.Helper()
	var status struct {
		First uint64 `json:"first_index"`
	}
	fixture.Must(t, json.Unmarshal(s.get(t, "/api/"+name+"/status").body, &status))
	return status.First
}

// walfs runs a command, and gives what it prints. Exit codes of 3 and 4 say that there is damage
// or a difference, or no key; others but 0 end the test.
func walfs(t testing.TB, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(child.Walfs(t), args...)
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != 3 && cmd.ProcessState.ExitCode() != 4 {
		t.Fatalf("walfs %v: %v\n%s", args, err, &failed)
	}
	return out
}
