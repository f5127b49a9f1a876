//go:build unix

package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"github.com/walfs/walfs/test/raftdir"
)

var someAddress = regexp.MustCompile(`https?://\S+/`)

// startServing starts a command that serves, and gives the address that its last line names.
func startServing(t *testing.T, lines int, args ...string) (cmd *exec.Cmd, said []string, address string) {
	t.Helper()
	cmd = command(t, t.Context(), args...)
	errs, err := cmd.StderrPipe()
	fixture.Must(t, err)
	fixture.Must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	in := bufio.NewReader(errs)
	for range lines {
		line, err := in.ReadString('\n')
		fixture.Must(t, err)
		said = append(said, strings.TrimSuffix(line, "\n"))
	}
	address = someAddress.FindString(said[lines-1])
	if address == "" {
		rest, _ := io.ReadAll(in)
		t.Fatalf("it says %q\n%s", said, rest)
	}
	return cmd, said, address
}

// served is what is at an address.
func served(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	fixture.Must(t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("%s: %s, %v\n%s", url, r.Status, err, body)
	}
	return string(body)
}

// TestServe: directories are served side by side under names that tell them apart, until a
// signal, which is no failure.
func TestServe(t *testing.T) {
	above := t.TempDir()
	for _, name := range []string{"node1", "node2"} {
		fixture.Must(t, os.Mkdir(filepath.Join(above, name), 0o700))
		fixture.Must(t, os.Rename(fixture.Dir(t, "alpha"), filepath.Join(above, name, "w")))
	}
	one, other := filepath.Join(above, "node1", "w"), filepath.Join(above, "node2", "w")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd, said, address := startServing(t, 3, "serve", "--listen", "127.0.0.1:0", one, other)
		if !strings.HasPrefix(said[0], "walfs: serving "+one+" at http://") || !strings.HasSuffix(said[1], "/log/node2-w/") {
			t.Errorf("it says %q", said)
		}
		for _, name := range []string{"node1-w", "node2-w"} {
			if got := served(t, address+"dir/"+name+"/meta/last_index"); got != "975\n" {
				t.Errorf("%s: %q", name, got)
			}
		}
		fixture.Must(t, cmd.Process.Signal(sig))
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", sig, err)
		}
	}
}

// TestServeFollows: what a writer appends is there at once, and who listens to the events hears
// of it.
func TestServeFollows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	w := raftdir.Create(dir, raftdir.Options{})
	defer w.Close()
	w.Append(5)
	_, _, address := startServing(t, 1, "serve", "--listen", "127.0.0.1:0", dir)
	r, err := http.Get(address + "api/events")
	fixture.Must(t, err)
	defer r.Body.Close()
	events := bufio.NewScanner(r.Body)
	heard := func(text string) {
		t.Helper()
		for events.Scan() {
			if strings.Contains(events.Text(), text) {
				return
			}
		}
		t.Fatal(events.Err())
	}
	heard(`"last_index":5`)
	w.Append(4)
	heard(`"last_index":9`)
	if got := served(t, address+"dir/w/meta/last_index"); got != "9\n" {
		t.Errorf("%q", got)
	}
}

// TestServeRefuses: what is asked for in a wrong way ends it before it serves.
func TestServeRefuses(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	fixture.Must(t, err)
	defer taken.Close()
	fails(t, exitUsage, "DIR is missing", "serve")
	fails(t, exitUsage, "can be reached from other machines", "serve", "--listen", ":0", dir)
	fails(t, exitUsage, "ADDRESS:PORT", "serve", "--listen", "7466", dir)
	fails(t, exitUsage, "2 key files for 1 director", "serve", "--key-file", "a", "--key-file", "b", dir)
	fails(t, exitFailed, "another program does", "serve", "--listen", taken.Addr().String(), dir)
	fails(t, exitFailed, "an Alpha keeps its log", "serve", filepath.Dir(dir))
	fails(t, exitFailed, "token file", "serve", "--token-file", dir+"/none", "--listen", "127.0.0.1:0", dir)
	fails(t, exitKey, "wrong key", "serve", "--listen", "127.0.0.1:0", "--key-file", tempFile(t, "key", make([]byte, 16)), fixture.Dir(t, "sealed128"))
}
