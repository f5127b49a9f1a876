//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
)

// patience is how long a test waits for what hangs. What works takes seconds, so no
// result depends on it.
const patience = 4 * time.Minute

// mounted is a running walfs mount.
type mounted struct {
	t   *testing.T
	at  string
	cmd *exec.Cmd

	ended  chan struct{} // closed when the process has ended
	mu     sync.Mutex
	stderr bytes.Buffer  // guarded by mu
	more   chan struct{} // guarded by mu; closed when stderr has grown
}

func keyArgs(t *testing.T, name string) []string {
	t.Helper()
	key := fixture.Key(name)
	if key == nil {
		return nil
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, key, 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--key-file", file}
}

// mount starts walfs mount and waits until it says that it serves.
func mount(t *testing.T, dir, at string, args ...string) *mounted {
	t.Helper()
	needFUSE(t)
	return start(t, at, exec.Command(walfs, append([]string{"mount", dir, at}, args...)...))
}

// start runs a walfs mount command.
func start(t *testing.T, at string, cmd *exec.Cmd) *mounted {
	t.Helper()
	m := &mounted{t: t, at: at, cmd: cmd, ended: make(chan struct{}), more: make(chan struct{})}
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	serving := make(chan struct{})
	go m.watch(bufio.NewReader(pipe), serving)
	t.Cleanup(m.cleanup)
	select {
	case <-serving:
	case <-m.ended:
		t.Fatalf("walfs ended before it served: %v\n%s", cmd.ProcessState, m.said())
	case <-time.After(patience):
		t.Fatalf("walfs does not serve\n%s", m.said())
	}
	return m
}

// watch collects stderr to its end, and then waits for the end of the process.
func (m *mounted) watch(stderr *bufio.Reader, serving chan struct{}) {
	for said := false; ; {
		line, err := stderr.ReadString('\n')
		m.mu.Lock()
		m.stderr.WriteString(line)
		close(m.more)
		m.more = make(chan struct{})
		m.mu.Unlock()
		if !said && strings.HasPrefix(line, "walfs: serving ") {
			said = true
			close(serving)
		}
		if err != nil {
			break
		}
	}
	m.cmd.Wait()
	close(m.ended)
}

func (m *mounted) said() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stderr.String()
}

// await waits until walfs has said something.
func (m *mounted) await(text string) {
	m.t.Helper()
	late := time.After(patience)
	for {
		m.mu.Lock()
		said, more := m.stderr.String(), m.more
		m.mu.Unlock()
		if strings.Contains(said, text) {
			return
		}
		select {
		case <-more:
		case <-m.ended:
			m.t.Fatalf("walfs ended and said %q, want %q", said, text)
		case <-late:
			m.t.Fatalf("walfs said %q, want %q", said, text)
		}
	}
}

func (m *mounted) signal(sig os.Signal) {
	m.t.Helper()
	if err := m.cmd.Process.Signal(sig); err != nil {
		m.t.Error(err)
	}
}

// wait waits for walfs to end by itself and gives its exit code.
func (m *mounted) wait() int {
	m.t.Helper()
	select {
	case <-m.ended:
	case <-time.After(patience):
		m.t.Fatalf("walfs does not end\n%s", m.said())
	}
	return m.cmd.ProcessState.ExitCode()
}

// wantEnd fails unless walfs ends with exit code 0 and leaves no mount.
func (m *mounted) wantEnd() {
	m.t.Helper()
	if code := m.wait(); code != 0 {
		m.t.Errorf("walfs ended with %d\n%s", code, m.said())
	}
	if left := mountsBelow(m.at); len(left) > 0 {
		m.t.Errorf("still mounted: %v", left)
	}
}

// stop unmounts with an interrupt, as a user does with Ctrl-C.
func (m *mounted) stop() {
	m.t.Helper()
	m.signal(os.Interrupt)
	m.wantEnd()
}

// cleanup ends a mount that the test has not ended. If that goes wrong, the test
// fails.
func (m *mounted) cleanup() {
	select {
	case <-m.ended:
		return
	default:
	}
	m.signal(syscall.SIGTERM)
	if code := m.wait(); code != 0 {
		m.t.Errorf("walfs ended with %d\n%s", code, m.said())
	}
	if strings.Contains(m.said(), "was in use") {
		m.t.Error("something had the mount open to the end")
	}
}

// output runs a command and gives what it prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}

// sh runs a script.
func sh(t *testing.T, script string, args ...string) string {
	t.Helper()
	return output(t, "sh", append([]string{"-c", script, "sh"}, args...)...)
}
