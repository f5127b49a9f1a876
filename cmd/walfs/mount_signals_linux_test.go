package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/moby/sys/mountinfo"
	"github.com/walfs/walfs/test/fixture"
)

// mounted reports whether anything is mounted on a path. It does not look at the path
// itself, where a dead mount would give errors.
func mounted(t *testing.T, at string) bool {
	t.Helper()
	found, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(at))
	fixture.Must(t, err)
	return len(found) > 0
}

// serving starts a mount, waits until it serves, and gives what it says from then on.
func serving(t *testing.T, name string, args ...string) (*exec.Cmd, io.Closer) {
	t.Helper()
	cmd := exec.Command(name, args...)
	errs, err := cmd.StderrPipe()
	fixture.Must(t, err)
	fixture.Must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	if line, err := bufio.NewReader(errs).ReadString('\n'); !strings.Contains(line, "serving") {
		t.Fatal(line, err)
	}
	return cmd, errs
}

// TestMountOutlivesItsReader: a mount whose stderr nobody reads any more has something to
// say there, and serves on.
func TestMountOutlivesItsReader(t *testing.T) {
	needFUSE(t)
	dir, at := fixture.Dir(t, "alpha"), t.TempDir()
	cmd, errs := serving(t, "walfs", "mount", "--decoder", `read -r hex; exit 1`, dir, at)
	errs.Close()
	// Somebody else gets the same signal, at the latest when the mount says that it is
	// detached.
	fixture.Must(t, cmd.Process.Signal(syscall.SIGPIPE))
	use := exec.Command("sh", "-c", `cd "$0" && cat entries/42 >/dev/null && echo in && read -r wait`, at)
	in, err := use.StdinPipe()
	fixture.Must(t, err)
	out, err := use.StdoutPipe()
	fixture.Must(t, err)
	fixture.Must(t, use.Start())
	defer func() { in.Close(); use.Wait() }()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "in\n" {
		t.Fatal(line, err)
	}
	fixture.Must(t, cmd.Process.Signal(syscall.SIGQUIT))
	if err := cmd.Wait(); err != nil || mounted(t, at) {
		t.Errorf("SIGQUIT: %v, mounted: %t", err, mounted(t, at))
	}
}

// TestBackgroundLeavesTheTerminal: a mount in the background has nothing of the terminal
// open that it was started at.
func TestBackgroundLeavesTheTerminal(t *testing.T) {
	needFUSE(t)
	dir, at, pid := fixture.Dir(t, "alpha"), t.TempDir(), filepath.Join(t.TempDir(), "pid")
	cmd := exec.Command("walfs", "mount", "--background", "--pid-file", pid, dir, at)
	screen, err := pty.Start(cmd)
	fixture.Must(t, err)
	defer screen.Close()
	said, _ := io.ReadAll(screen) // until nobody has the terminal open
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	number := strings.TrimSpace(string(fixture.ReadFile(t, pid)))
	fds, err := filepath.Glob("/proc/" + number + "/fd/*")
	fixture.Must(t, err)
	if len(fds) == 0 {
		t.Fatal("no descriptors")
	}
	for _, fd := range fds {
		if target, _ := os.Readlink(fd); strings.HasPrefix(target, "/dev/tty") || strings.HasPrefix(target, "/dev/pts") {
			t.Errorf("%s is open", target)
		}
	}
	if out, err := exec.Command("walfs", "umount", at).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestNohup: what was started so that a hang-up does not end it is not ended by one.
func TestNohup(t *testing.T) {
	needFUSE(t)
	dir, at := fixture.Dir(t, "alpha"), t.TempDir()
	cmd, _ := serving(t, "sh", "-c", `trap '' HUP; exec walfs mount "$0" "$1"`, dir, at)
	fixture.Must(t, cmd.Process.Signal(syscall.SIGHUP))
	if out, err := exec.Command("cat", at+"/meta/last_index").Output(); string(out) != "975\n" {
		t.Errorf("%s, %v", out, err)
	}
	fixture.Must(t, cmd.Process.Signal(syscall.SIGTERM))
	fixture.Must(t, cmd.Wait())
}

// TestSecondSignal kills a mount that does not end after the first: its unmount hangs. No
// mount is left.
func TestSecondSignal(t *testing.T) {
	dir, temp := fixture.Dir(t, "alpha"), t.TempDir()
	if os.Geteuid() != 0 {
		skip(t, "needs root")
	}
	needFUSE(t)
	at := filepath.Join(temp, "mnt")
	fixture.Must(t, os.Mkdir(at, 0o755))
	cmd, _ := serving(t, "walfs", "mount", "--decoder", `trap "" TERM INT HUP; echo $$ >`+temp+`/decodes; while :; do sleep 600; done`,
		"--decoder-timeout", "1h", dir, at)
	for range 2 {
		cmd.Process.Signal(syscall.SIGTERM)
	}
	cmd.Wait()
	if mounted(t, at) {
		t.Error("a mount is left")
	}
}

// TestAppendAtATerminal: Ctrl-C ends append while it waits for somebody to type.
func TestAppendAtATerminal(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	ok(t, "create", log)
	// script makes a terminal; what it reads is typed there. It says where it has got to.
	cmd := exec.Command("script", "-qefc", "echo ready; exec walfs append "+log, "/dev/null")
	in, err := cmd.StdinPipe()
	fixture.Must(t, err)
	out, err := cmd.StdoutPipe()
	fixture.Must(t, err)
	if err := cmd.Start(); errors.Is(err, exec.ErrNotFound) {
		skip(t, err.Error())
	} else if err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	waitFor(t, out, "ready")
	io.WriteString(in, "\x03")
	rest, _ := io.ReadAll(out)
	if cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("%v: %s", cmd.ProcessState, rest)
	}
}

// TestSystemd: a service of type notify is told when the mount serves, and when it ends.
func TestSystemd(t *testing.T) {
	needFUSE(t)
	dir, at, name := fixture.Dir(t, "alpha"), t.TempDir(), filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	fixture.Must(t, err)
	defer socket.Close()
	fixture.Must(t, socket.SetReadDeadline(time.Now().Add(hangLimit)))
	cmd := exec.Command("walfs", "mount", dir, at)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+name)
	fixture.Must(t, cmd.Start())
	defer cmd.Process.Kill()
	b := make([]byte, 4096)
	n, err := socket.Read(b)
	if got := string(b[:n]); err != nil || !strings.HasPrefix(got, "READY=1\nSTATUS=serving "+dir) || !mounted(t, at) {
		t.Errorf("%q, %v", got, err)
	}
	fixture.Must(t, cmd.Process.Signal(syscall.SIGTERM))
	n, err = socket.Read(b)
	if got := string(b[:n]); err != nil || got != "STOPPING=1" {
		t.Errorf("%q, %v", got, err)
	}
	fixture.Must(t, cmd.Wait())
}

// TestUnitFiles has systemd look at the unit files.
func TestUnitFiles(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		skip(t, err.Error())
	}
	program, err := exec.LookPath("walfs")
	fixture.Must(t, err)
	units := t.TempDir()
	args := []string{"verify", "--man=no"}
	for _, pattern := range []string{"packaging/systemd/*.*", "packaging/systemd/examples/*"} {
		names, err := filepath.Glob(pattern)
		fixture.Must(t, err)
		for _, name := range names {
			// Where the package puts it, there is no program here.
			text := strings.ReplaceAll(string(fixture.ReadFile(t, name)), "/usr/bin/walfs", program)
			path := filepath.Join(units, filepath.Base(name))
			fixture.Must(t, os.WriteFile(path, []byte(text), 0o644))
			args = append(args, path)
		}
	}
	if out, err := exec.Command("systemd-analyze", args...).CombinedOutput(); err != nil || len(out) > 0 || len(args) != 5 {
		t.Errorf("%v: %v\n%s", args, err, out)
	}
}

// TestSystemLog: what a mount in the background says goes to the system's log. There is
// none on a test machine; in a mount namespace of its own, walfs finds one.
func TestSystemLog(t *testing.T) {
	needFUSE(t)
	if os.Geteuid() != 0 {
		skip(t, "needs root")
	}
	dir, at := fixture.Dir(t, "alpha"), t.TempDir()
	name := filepath.Join(t.TempDir(), "log")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	fixture.Must(t, err)
	defer socket.Close()
	fixture.Must(t, socket.SetReadDeadline(time.Now().Add(hangLimit)))
	out, err := exec.Command("unshare", "-m", "--propagation", "private", "sh", "-ec", `
mount -t tmpfs tmpfs /run && ln -s "$2" /run/syslog
walfs mount --background "$0" "$1" && walfs umount "$1"`, dir, at, name).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"serving " + dir + " at " + at, at + " is unmounted"} {
		b := make([]byte, 4096)
		n, err := socket.Read(b)
		if got := string(b[:n]); err != nil || !strings.HasPrefix(got, "<29>") || !strings.Contains(got, " walfs[") || !strings.HasSuffix(strings.TrimSpace(got), want) {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

// TestTwoHangUps: a terminal that is closed sends SIGHUP twice, from the shell and from the
// kernel. That ends a mount as one does.
func TestTwoHangUps(t *testing.T) {
	needFUSE(t)
	pid := filepath.Join(t.TempDir(), "pid")
	cmd, _ := serving(t, "walfs", "mount", "--pid-file", pid, fixture.Dir(t, "alpha"), t.TempDir())
	// If the tests were started with nohup, the mount ignores SIGHUP.
	if signal.Ignored(syscall.SIGHUP) {
		fixture.Must(t, cmd.Process.Signal(syscall.SIGTERM))
	}
	cmd.Process.Signal(syscall.SIGHUP)
	cmd.Process.Signal(syscall.SIGHUP) // it may have ended already
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(pid); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the pid file is left: %v", err)
	}
}

// TestAbort: a process that is asked for a dump of what it is doing leaves no dead mount.
func TestAbort(t *testing.T) {
	needFUSE(t)
	at := t.TempDir()
	cmd, _ := serving(t, "walfs", "mount", fixture.Dir(t, "alpha"), at)
	fixture.Must(t, cmd.Process.Signal(syscall.SIGABRT))
	if err := cmd.Wait(); err == nil || mounted(t, at) {
		t.Errorf("%v, mounted: %t", err, mounted(t, at))
	}
}

// TestPIDFileOfAnother: a mount whose pid file somebody has removed leaves alone the one
// that another mount has made in its place.
func TestPIDFileOfAnother(t *testing.T) {
	needFUSE(t)
	dir, pid := fixture.Dir(t, "alpha"), filepath.Join(t.TempDir(), "pid")
	first, _ := serving(t, "walfs", "mount", "--pid-file", pid, dir, t.TempDir())
	fixture.Must(t, os.Remove(pid))
	second, _ := serving(t, "walfs", "mount", "--pid-file", pid, dir, t.TempDir())
	fixture.Must(t, first.Process.Signal(syscall.SIGTERM))
	fixture.Must(t, first.Wait())
	if got, want := string(fixture.ReadFile(t, pid)), fmt.Sprintln(second.Process.Pid); got != want {
		t.Errorf("the pid file has %q, want %q", got, want)
	}
	fixture.Must(t, second.Process.Signal(syscall.SIGTERM))
	fixture.Must(t, second.Wait())
}

// TestLogFileThatIsNone: what cannot take the log is refused before anything is mounted.
func TestLogFileThatIsNone(t *testing.T) {
	needFUSE(t)
	dir, at, fifo := fixture.Dir(t, "alpha"), t.TempDir(), filepath.Join(t.TempDir(), "fifo")
	fixture.Must(t, syscall.Mkfifo(fifo, 0o600))
	reader, err := os.OpenFile(fifo, os.O_RDWR, 0)
	fixture.Must(t, err)
	defer reader.Close()
	for _, name := range []string{fifo, filepath.Dir(fifo), filepath.Join(fifo, "log")} {
		fails(t, exitFailed, "log file "+name+": ", "mount", "--log-file", name, dir, at)
	}
}

// TestCommandLine: a call without a command's name is one of mount(8)'s, and no other.
func TestCommandLine(t *testing.T) {
	for line, want := range map[string]string{
		"walfs mount DIR -o frozen AT":          "mount DIR -o frozen AT",
		"walfs mount -o frozen DIR AT":          "mount -o frozen DIR AT",
		"walfs __complete mount -o x":           "__complete mount -o x",
		"walfs /dir /at":                        "/dir /at",
		"walfs /dir /at -o rw,frozen":           "mount.walfs /dir /at -o rw,frozen",
		"/sbin/mount.walfs /dir /at -o rw":      "mount.walfs /dir /at -o rw",
		"/sbin/mount.walfs -s /dir /at":         "mount.walfs -s /dir /at",
		"/sbin/mount.fuse.walfs /dir /at -o ro": "mount.walfs /dir /at -o ro",
	} {
		if got := strings.Join(commandLine(strings.Fields(line)), " "); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

// TestMountListens: a mount that serves over HTTP, too, does so until it is unmounted, and what
// a program asks there keeps it from being idle.
func TestMountListens(t *testing.T) {
	needFUSE(t)
	dir, at := fixture.Dir(t, "alpha"), t.TempDir()
	cmd, said, address := startServing(t, 1, "mount", "--listen", "127.0.0.1:0", dir, at)
	if !strings.HasPrefix(said[0], "walfs: serving "+dir+" at "+at+" and http://") {
		t.Errorf("it says %q", said)
	}
	want := string(fixture.ReadFile(t, filepath.Join(at, "entries", "42")))
	if got := served(t, address+"dir/"+filepath.Base(dir)+"/entries/42"); got != want {
		t.Errorf("%q, in the mount %q", got, want)
	}
	ok(t, "umount", at)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", strings.Trim(strings.TrimPrefix(address, "http:"), "/")); err == nil {
		c.Close()
		t.Error("it still listens")
	}
	fails(t, exitUsage, "go with --listen", "mount", "--token-file", "x", dir, at)
	fails(t, exitUsage, "can be reached from other machines", "mount", "--listen", ":0", dir, at)
	if mounted(t, at) {
		t.Error("it is mounted all the same")
	}
}
