//go:build linux

// Package child runs the walfs program and other children for tests.
//
// Each test binary builds the program once, with the race detector if it has that
// itself. Tests mount in their own temporary folders, and Main fails if anything is
// still mounted there at the end.
package child

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"
)

// Main is TestMain: it runs the tests with a temporary folder of their own.
func Main(m *testing.M) int {
	temp, err := os.MkdirTemp("", "walfs-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(temp)
	os.Setenv("TMPDIR", temp)
	// A program with the race detector sleeps for a second before it ends.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	code := m.Run()
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(temp))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	for _, left := range mounts {
		fmt.Fprintf(os.Stderr, "left mounted: %s\n", left.Mountpoint)
		syscall.Unmount(left.Mountpoint, syscall.MNT_DETACH)
		code = 1
	}
	return code
}

// NeedFUSE skips the test where nothing can be mounted. In CI it fails the test.
func NeedFUSE(t testing.TB) {
	t.Helper()
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err == nil {
		f.Close()
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skipf("there is no FUSE here: %v", err)
}

// Build builds a command of this module, once. Tests of a nested module get the same program:
// it is built here, with this module's versions of what it imports.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	path := filepath.Join(os.Getenv("TMPDIR"), filepath.Base(pkg))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	args := []string{"build", "-o", path}
	if Race {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "github.com/walfs/walfs/"+pkg)...)
	_, self, _, _ := runtime.Caller(0)
	build.Dir = filepath.Dir(self)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return path
}

var built sync.Mutex

// Walfs is the path of the program.
func Walfs(t testing.TB) string {
	t.Helper()
	return Build(t, "cmd/walfs")
}

// Process is a child that runs beside the test.
type Process struct {
	Cmd    *exec.Cmd
	t      testing.TB
	stderr Output
	done   chan struct{}
	err    error // of Wait, once done is closed
}

// Output collects what a child prints. It can be read while the child prints more.
type Output struct {
	mu sync.Mutex // protects b
	b  bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// Start starts a child. Its standard output goes to stdout. If it still runs at the end
// of the test, it is killed.
func Start(t testing.TB, stdout io.Writer, name string, args ...string) *Process {
	t.Helper()
	p := &Process{Cmd: exec.Command(name, args...), t: t, done: make(chan struct{})}
	p.Cmd.Stdout, p.Cmd.Stderr = stdout, &p.stderr
	p.Cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.Cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		select {
		case <-p.done:
		default:
			p.Cmd.Process.Kill()
			<-p.done
		}
	})
	return p
}

// Pid is the child's process id.
func (p *Process) Pid() int { return p.Cmd.Process.Pid }

// Said is what the child has said on stderr so far.
func (p *Process) Said() string { return p.stderr.String() }

// Ended reports whether the child has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Signal sends a signal.
func (p *Process) Signal(s os.Signal) {
	p.t.Helper()
	if err := p.Cmd.Process.Signal(s); err != nil {
		p.t.Errorf("%s: %v: %s", p.Cmd.Path, err, p.Said())
	}
}

// WantEnd waits for the child's end, and fails unless its exit code is code.
func (p *Process) WantEnd(code int) {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("%v has not ended; it said %q", p.Cmd.Args, p.Said())
	}
	if got := p.Cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("%v: exit code %d (%v), want %d; it said %q", p.Cmd.Args, got, p.err, code, p.Said())
	}
}

// Stop ends the child with SIGTERM, and fails unless its exit code is 0.
func (p *Process) Stop() {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	p.WantEnd(0)
}

// Mounted is a walfs mount.
type Mounted struct {
	*Process
	At string
}

// Mount serves dir on a new folder until the end of the test. args are flags.
func Mount(t testing.TB, dir string, args ...string) *Mounted {
	t.Helper()
	NeedFUSE(t)
	at := t.TempDir()
	args = append([]string{"mount", dir, at}, args...)
	m := &Mounted{Process: Start(t, nil, Walfs(t), args...), At: at}
	Await(t, "the mount", func() bool {
		if m.Ended() {
			t.Fatalf("walfs mount ended: %s", m.Said())
		}
		return strings.Contains(m.Said(), "walfs: serving ")
	})
	t.Cleanup(func() {
		if !m.Ended() {
			m.Stop()
		}
	})
	return m
}

// Path is the path of a name in the mount.
func (m *Mounted) Path(name string) string { return filepath.Join(m.At, name) }

// patience is how long a test waits for what hangs. It is long, since the machine may
// be busy.
const patience = 4 * time.Minute

// Await waits until ok gives true.
func Await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
