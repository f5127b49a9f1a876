//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/walfs/walfs/test/fixture"
	"golang.org/x/sys/unix"
)

// background is a mount in the background.
type background struct {
	t               *testing.T
	dir, at         string
	pidFile, log    string
	pid, descriptor int // of the process
}

// inBackground mounts in the background, and wants a silent success.
func inBackground(t *testing.T, args ...string) *background {
	t.Helper()
	needFUSE(t)
	temp := t.TempDir()
	b := &background{t: t, dir: fixture.Dir(t, "alpha"), at: t.TempDir(), pidFile: filepath.Join(temp, "pid"), log: filepath.Join(temp, "log")}
	if out := output(t, walfs, b.args(args...)...); out != "" {
		t.Errorf("walfs said %q", out)
	}
	b.opened()
	return b
}

func (b *background) args(more ...string) []string {
	return append([]string{"mount", "--background", "--pid-file", b.pidFile, "--log-file", b.log, b.dir, b.at}, more...)
}

// opened finds the process, so that its end can be awaited.
func (b *background) opened() {
	b.t.Helper()
	var err error
	b.pid, err = strconv.Atoi(strings.TrimSpace(string(fixture.ReadFile(b.t, b.pidFile))))
	fixture.Must(b.t, err)
	b.descriptor, err = unix.PidfdOpen(b.pid, 0)
	fixture.Must(b.t, err)
	b.t.Cleanup(func() { unix.Close(b.descriptor) })
	b.t.Cleanup(func() { unix.PidfdSendSignal(b.descriptor, unix.SIGTERM, nil, 0) })
}

// wantEnd waits for the end of the process.
func (b *background) wantEnd() {
	b.t.Helper()
	for end := time.Now().Add(patience); ; {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(b.descriptor), Events: unix.POLLIN}}, 1000)
		if n > 0 {
			break
		}
		if err != nil && err != unix.EINTR || time.Now().After(end) {
			b.t.Fatalf("it does not end: %v\n%s", err, fixture.ReadFile(b.t, b.log))
		}
	}
	if left := mountsBelow(b.at); len(left) > 0 {
		b.t.Errorf("still mounted: %v", left)
	}
	if _, err := os.Lstat(b.pidFile); !errors.Is(err, fs.ErrNotExist) {
		b.t.Errorf("the pid file is left: %v", err)
	}
}

func (b *background) wantLog(text string) {
	b.t.Helper()
	if log := string(fixture.ReadFile(b.t, b.log)); !strings.Contains(log, text) {
		b.t.Errorf("the log lacks %q: %s", text, log)
	}
}

// TestBackground: the command returns when the mount serves, and what stays behind has
// nothing of what the command was started with.
func TestBackground(t *testing.T) {
	b := inBackground(t)
	if got := output(t, "cat", b.at+"/meta/last_index"); got != "975\n" {
		t.Errorf("last_index is %q", got)
	}
	proc := fmt.Sprintf("/proc/%d/", b.pid)
	for _, link := range []struct{ name, want string }{{"cwd", "/"}, {"fd/0", "/dev/null"}, {"fd/1", "/dev/null"}, {"fd/2", "/dev/null"}} {
		if got, err := os.Readlink(proc + link.name); got != link.want {
			t.Errorf("%s is %q (%v), want %q", link.name, got, err, link.want)
		}
	}
	if sid, err := unix.Getsid(b.pid); sid != b.pid || err != nil {
		t.Errorf("its session is %d (%v), want its own", sid, err)
	}
	// The kernel says of no descriptor that others get it, of /dev/fuse least of all.
	if got := sh(t, `for f in "$1"fd/*; do [ "$(readlink "$f")" != /dev/fuse ] || grep flags "$1fdinfo/${f##*/}"; done`, proc); !strings.HasPrefix(got, "flags:\t02") {
		t.Errorf("/dev/fuse: %q", got)
	}
	output(t, walfs, "umount", b.at)
	b.wantEnd()
	b.wantLog("serving " + b.dir + " at " + b.at + "\n")
	b.wantLog(b.at + " is unmounted\n")
}

// TestBackgroundFromAScript: nothing of a pipe is held, also of one with another number,
// and paths may be relative.
func TestBackgroundFromAScript(t *testing.T) {
	needFUSE(t)
	dir, temp := fixture.Dir(t, "alpha"), t.TempDir()
	fixture.Must(t, os.Mkdir(filepath.Join(temp, "mnt"), 0o755))
	got := sh(t, `cd "$1"; ln -s "$2" w; x=$("$3" mount --background --log-file log --pid-file pid w mnt 7>&1 2>&1); echo "$?:$x"
cat mnt/entries/42 | wc -c; "$3" umount mnt; ls`, temp, dir, walfs)
	if want := "0:\n"; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\nlog\nmnt\nw\n") {
		t.Errorf("%q", got)
	}
}

// TestBackgroundFails: what fails is said on stderr, with the exit code of the foreground.
func TestBackgroundFails(t *testing.T) {
	needFUSE(t)
	dir, at := fixture.Dir(t, "alpha"), t.TempDir()
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{dir, at + "/none"}, 1, "does not exist: create it"},
		{[]string{at, at}, 1, "not a Raft directory"},
		{[]string{dir, at, "--key-file", at + "/none"}, 4, "no such file"},
		{[]string{dir, at, "--log-file", at}, 1, "log file "},
		{[]string{dir, at, "--pid-file", dir + "/wal.meta"}, 1, "nothing is overwritten"},
		{[]string{dir, at, "--idle-timeout=-1s"}, 2, "above zero"},
		{[]string{dir, at, "-o", "idle_timeout"}, 2, "wants a value"},
		{[]string{dir, at, "-o", "rw"}, 2, "read-only"},
	} {
		cmd := exec.Command(walfs, append([]string{"mount", "--background"}, test.args...)...)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.Contains(string(out), test.want) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%v: exit code %d, want %d; %q, want %q", test.args, code, test.code, out, test.want)
		}
		if left := mountsBelow(at); len(left) > 0 {
			t.Errorf("%v: mounted: %v", test.args, left)
		}
	}
}

// TestPIDFile: one that another mount has is refused, one that a killed mount has left is
// replaced, though its number may be another process's by now.
func TestPIDFile(t *testing.T) {
	b := inBackground(t)
	second := exec.Command(walfs, "mount", "--pid-file", b.pidFile, b.dir, t.TempDir())
	out, _ := second.CombinedOutput()
	if code := second.ProcessState.ExitCode(); code != 5 || !strings.Contains(string(out), fmt.Sprintf("process %d has it", b.pid)) {
		t.Errorf("exit code %d: %s", code, out)
	}
	fixture.Must(t, unix.PidfdSendSignal(b.descriptor, unix.SIGKILL, nil, 0))
	if _, err := unix.Poll([]unix.PollFd{{Fd: int32(b.descriptor), Events: unix.POLLIN}}, int(patience.Milliseconds())); err != nil {
		t.Fatal(err)
	}
	fixture.Must(t, os.WriteFile(b.pidFile, fmt.Appendln(nil, os.Getpid()), 0o644))
	output(t, walfs, b.args()...)
	b.opened()
	if b.pid == os.Getpid() {
		t.Error("the old pid file is still there")
	}
	output(t, walfs, "umount", b.at)
	b.wantEnd()
}

// TestIdleTimeout: an unused mount ends by itself, but not while somebody is in it.
func TestIdleTimeout(t *testing.T) {
	b := inBackground(t, "--idle-timeout", "20ms")
	b.wantEnd()
	b.wantLog("was unused for 20ms: unmounted\n")

	b = inBackground(t, "--idle-timeout", "10h")
	sh(t, `cd "$1" && ls`, b.at)
	output(t, walfs, "umount", b.at)

	// It may be gone before anybody can get in: then it is mounted again.
	m := t.TempDir()
	u := use(t, m, `until "$WALFS" mount --background -o idle_timeout=100ms "$D" "$1" 2>/dev/null && cd "$1/entries" 2>/dev/null; do :; done`,
		`for i in $(seq 20); do cat 42 >/dev/null || exit; "$WALFS" cat "$D" meta/last_index >/dev/null; done; mountpoint -q .. && echo there`,
		"WALFS="+walfs, "D="+b.dir)
	if got := u.letGo(t); got != "there\n" {
		t.Errorf("a mount in use is gone: %q", got)
	}
	u.cmd.Wait()
	for end := time.Now().Add(patience); len(mountsBelow(m)) > 0; awaitMounts(t) {
		if time.Now().After(end) {
			t.Fatal("it stays, though nobody uses it")
		}
	}
}

// awaitMounts waits until something is mounted or unmounted, or a second has gone.
func awaitMounts(t *testing.T) {
	t.Helper()
	f, err := os.Open("/proc/self/mountinfo")
	fixture.Must(t, err)
	defer f.Close()
	if _, err := unix.Poll([]unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLPRI}}, 1000); err != nil && err != unix.EINTR {
		t.Fatal(err)
	}
}

// TestUmountCommand: it ends mounts of walfs alone, waits for the server, and says who
// keeps it from that.
func TestUmountCommand(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	for _, test := range []struct{ name, hold, want string }{
		{"works in", `cd "$1/entries"`, "works in %s/entries\n"},
		{"has open", `exec 3<"$1/native/00001.wal"`, "has open %s/native/00001.wal\n"},
	} {
		m := mount(t, dir, t.TempDir())
		u := use(t, m.at, test.hold, ":")
		got := sh(t, `"$1" umount "$2" 2>&1`, walfs, m.at)
		want := fmt.Sprintf("walfs: sh (pid %d) "+test.want, u.cmd.Process.Pid, m.at)
		if !strings.Contains(got, want) || !strings.Contains(got, "was in use by 1 process: detached") {
			t.Errorf("%q, want %q", got, want)
		}
		u.letGo(t)
		m.wantEnd()
	}
	m := mount(t, dir, t.TempDir())
	m.signal(syscall.SIGKILL)
	m.wait()
	output(t, walfs, "umount", m.at)
	for path, want := range map[string]string{m.at: "nothing is mounted there", "/proc": "a mount of proc"} {
		cmd := exec.Command(walfs, "umount", path)
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v: %s", path, cmd.ProcessState, out)
		}
	}
}

// TestUmountOfAUser: an ordinary user ends a mount of theirs, and no other.
func TestUmountOfAUser(t *testing.T) {
	needUserFUSE(t)
	home, dir, at := userHome(t, "alpha")
	m := start(t, at, asNobody(home, walfs, "mount", dir, at))
	mustRun(t, asNobody(home, walfs, "umount", at))
	m.wantEnd()
	root := mount(t, dir, at)
	cmd := asNobody(home, walfs, "umount", at)
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("a user ends root's mount: %s", out)
	}
	root.stop()
}
