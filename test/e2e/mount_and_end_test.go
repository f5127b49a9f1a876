//go:build linux

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
	"golang.org/x/sys/unix"
)

func TestWaysToEnd(t *testing.T) {
	// If the tests were started with nohup, so would be the mounts, which then ignore SIGHUP.
	hangUps := make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP)
	defer signal.Stop(hangUps)
	dir := fixture.Dir(t, "alpha")
	for _, test := range []struct {
		name string
		end  func(t *testing.T, m *mounted)
	}{
		{"interrupt", func(_ *testing.T, m *mounted) { m.signal(syscall.SIGINT) }},
		{"terminate", func(_ *testing.T, m *mounted) { m.signal(syscall.SIGTERM) }},
		{"hang up", func(_ *testing.T, m *mounted) { m.signal(syscall.SIGHUP) }},
		{"quit", func(_ *testing.T, m *mounted) { m.signal(syscall.SIGQUIT) }},
		{"umount", func(t *testing.T, m *mounted) {
			needRoot(t)
			output(t, "umount", m.at)
		}},
		{"umount -l", func(t *testing.T, m *mounted) {
			needRoot(t)
			output(t, "umount", "-l", m.at)
		}},
		{"fusermount3 -u", func(t *testing.T, m *mounted) {
			need(t, "fusermount3")
			output(t, "fusermount3", "-u", m.at)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := mount(t, dir, t.TempDir())
			output(t, "cat", m.at+"/entries/42")
			test.end(t, m)
			m.wantEnd()
			if said := m.said(); strings.Count(said, "\n") != 1 {
				t.Errorf("walfs said %q", said)
			}
			if names, err := os.ReadDir(m.at); err != nil || len(names) > 0 {
				t.Errorf("the mountpoint holds %v, %v", names, err)
			}
		})
	}
}

// user is a process that keeps a mount in use until letGo.
type user struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
}

// use starts a shell that runs the script hold, which takes the mount at $1 into
// use. After letGo it runs the script rest.
// env is added to its environment.
func use(t *testing.T, at, hold, rest string, env ...string) *user {
	t.Helper()
	u := &user{cmd: exec.Command("sh", "-c", hold+" && echo holds && read wait; "+rest, "sh", at)}
	u.cmd.Env = append(append(os.Environ(), "LC_ALL=C"), env...)
	var err error
	if u.stdin, err = u.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := u.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	u.cmd.Stderr = u.cmd.Stdout
	u.out = bufio.NewReader(out)
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		u.stdin.Close()
		u.cmd.Wait()
	})
	if line, err := u.out.ReadString('\n'); line != "holds\n" {
		t.Fatalf("%s: %q, %v", hold, line, err)
	}
	return u
}

// letGo ends the wait of the process and gives what its second script prints.
func (u *user) letGo(t *testing.T) string {
	t.Helper()
	u.stdin.Close()
	rest, err := io.ReadAll(u.out)
	if err != nil {
		t.Fatal(err)
	}
	return string(rest)
}

// TestBusyMountIsDetached: a mount that is in use cannot be unmounted. If it stayed
// in place it would be a dead mount once walfs has ended, so walfs detaches it.
func TestBusyMountIsDetached(t *testing.T) {
	fixture.OneSize(t)
	dir := fixture.Dir(t, "alpha")
	for _, test := range []struct {
		name, hold, rest string
		want             string
	}{
		{"working directory", `cd "$1/entries"`, "cat 42 2>&1", "Transport endpoint is not connected"},
		{"open file", `exec 3<"$1/native/00001.wal"`, "cat <&3 2>&1 >/dev/null", "not connected"},
		{"open folder", `exec 3<"$1/terms"`, "ls /proc/self/fd/3/ 2>&1", "not connected"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := mount(t, dir, t.TempDir())
			u := use(t, m.at, test.hold, test.rest)
			m.signal(syscall.SIGTERM)
			m.wantEnd()
			if !strings.Contains(m.said(), "was in use: detached") {
				t.Errorf("walfs said %q", m.said())
			}
			if got := u.letGo(t); !strings.Contains(got, test.want) {
				t.Errorf("the user of the mount got %q, want %q", got, test.want)
			}
			// The mountpoint is free for another mount.
			again := mount(t, dir, m.at)
			again.stop()
		})
	}
}

// TestUmountWhileBusy: umount fails while the mount is in use, as for any file
// system, and the mount stays.
func TestUmountWhileBusy(t *testing.T) {
	needRoot(t)
	m := mount(t, fixture.Dir(t, "alpha"), t.TempDir())
	u := use(t, m.at, `cd "$1"`, "cat meta/raft_id")
	if out, err := exec.Command("umount", m.at).CombinedOutput(); err == nil {
		t.Errorf("umount of a busy mount succeeded: %s", out)
	}
	if got := u.letGo(t); got != "1\n" {
		t.Errorf("the user of the mount got %q", got)
	}
	u.cmd.Wait()
	m.stop()
}

func TestDeadMountIsReplaced(t *testing.T) {
	dir, at := fixture.Dir(t, "alpha"), t.TempDir()
	m := mount(t, dir, at)
	m.signal(syscall.SIGKILL)
	m.wait()
	if err := exec.Command("ls", at).Run(); err == nil || len(mountsBelow(at)) != 1 {
		t.Fatalf("after SIGKILL there is no dead mount but %v", mountsBelow(at))
	}
	again := mount(t, dir, at)
	if got := output(t, "cat", at+"/meta/last_index"); got != "975\n" {
		t.Errorf("last_index is %q", got)
	}
	if at := mountsBelow(at); len(at) != 1 {
		t.Errorf("mounts: %v", at)
	}
	again.stop()
}

// refusals are mounts that walfs must refuse. dir and at begin with the name of a
// folder, file or link that refusalFolders makes; "served" is a mountpoint in use.
var refusals = []struct{ name, dir, at, want string }{
	{"mountpoint inside", "DIR", "DIR/inside", "lie one in the other"},
	{"mountpoint deep inside", "DIR", "DIR/inside/deep", "lie one in the other"},
	{"mountpoint inside by a link", "DIR", "link-in", "lie one in the other"},
	{"directory by a link", "link-dir", "DIR/inside", "lie one in the other"},
	{"directory inside", "DIR", "above", "lie one in the other"},
	{"directory inside by a link", "DIR", "link-above", "lie one in the other"},
	{"same folder", "DIR", "DIR", "lie one in the other"},
	{"same folder by a link", "DIR", "link-dir", "lie one in the other"},
	{"missing", "DIR", "missing", "does not exist: create it with mkdir -p"},
	{"missing parent", "DIR", "missing/deep", "no such file or directory"},
	{"not empty", "DIR", "full", "is not empty"},
	{"a file", "DIR", "file", "is no folder"},
	{"below a file", "DIR", "file/x", "not a directory"},
	{"served already", "DIR", "served", "umount it first"},
	{"no directory", "missing", "empty", "no such file or directory"},
	{"not a Raft directory", "full", "empty", "not a Raft directory"},
	{"a file for a directory", "file", "empty", "not a directory"},
}

// refusalFolders makes what refusals name, and gives the path of a name.
func refusalFolders(t *testing.T, temp string) (path func(name string) string) {
	t.Helper()
	dir := filepath.Join(temp, "above", "between", "w")
	path = func(name string) string {
		if below, ok := strings.CutPrefix(name, "DIR"); ok {
			return dir + below
		}
		return filepath.Join(temp, name)
	}
	for _, name := range []string{"empty", "full/x", "above/between", "served"} {
		fixture.Must(t, os.MkdirAll(path(name), 0o755))
	}
	fixture.WriteFile(t, path("file"), nil)
	fixture.Must(t, os.Rename(fixture.Dir(t, "alpha"), dir))
	fixture.Must(t, os.MkdirAll(path("DIR/inside/deep"), 0o755))
	for link, target := range map[string]string{"link-in": "DIR/inside", "link-dir": "DIR", "link-above": "above"} {
		fixture.Must(t, os.Symlink(path(target), path(link)))
	}
	return path
}

// TestRefusals: what cannot be mounted is refused at once, in one line that says
// why, and leaves no mount.
func TestRefusals(t *testing.T) {
	fixture.OneSize(t)
	temp := t.TempDir()
	path := refusalFolders(t, temp)
	served := mount(t, path("DIR"), path("served"))
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			before := mountsBelow(temp)
			cmd := exec.Command(walfs, "mount", path(test.dir), path(test.at))
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("walfs ended with %v, want exit code 1", err)
			}
			if !strings.HasPrefix(string(out), "walfs: ") || !strings.Contains(string(out), test.want) || strings.Count(string(out), "\n") != 1 {
				t.Errorf("walfs said %q, want one line with %q", out, test.want)
			}
			if after := mountsBelow(temp); len(after) != len(before) {
				t.Errorf("mounts: %v", after)
			}
		})
	}
	served.stop()
}

// TestLowPriority: every thread of a mount is nicer than the node that writes the
// log, so that the node gets the processor first.
func TestLowPriority(t *testing.T) {
	m := mount(t, fixture.Dir(t, "alpha"), t.TempDir())
	output(t, "grep", "-rc", "", m.at+"/entries", m.at+"/decoded")
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", m.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		// The system call gives 20 minus the niceness.
		if prio, err := unix.Getpriority(unix.PRIO_PROCESS, id); err == nil && prio > 15 {
			t.Errorf("a thread has a niceness of %d, want 5 at least", 20-prio)
		}
	}
	m.stop()
}
