//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// nobody is an ordinary user's id.
const nobody = 65534

// asNobody makes a command that runs as an ordinary user with its own home.
func asNobody(home string, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = []string{"HOME=" + home, "TMPDIR=" + home, "PATH=" + os.Getenv("PATH"), "LC_ALL=C",
		"GORACE=" + os.Getenv("GORACE")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}

// userHome makes an ordinary user's home with a fixture and a mountpoint in it.
func userHome(t *testing.T, name string) (home, dir, at string) {
	t.Helper()
	needRoot(t)
	home, err := os.MkdirTemp("", "home-") // t.TempDir's parents are root's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	dir, at = filepath.Join(home, "w"), filepath.Join(home, "mnt")
	if err := os.Rename(fixture.Dir(t, name), dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(at, 0o700); err != nil {
		t.Fatal(err)
	}
	output(t, "chown", "-R", fmt.Sprintf("%d:%d", nobody, nobody), home)
	return home, dir, at
}

// needUserFUSE skips where ordinary users cannot mount. Every distribution lets
// them open /dev/fuse, but a container may not.
func needUserFUSE(t *testing.T) {
	t.Helper()
	needFUSE(t)
	need(t, "fusermount3")
	if st, err := os.Stat("/dev/fuse"); err != nil || st.Mode().Perm()&0o006 != 0o006 {
		skip(t, "/dev/fuse is %v: ordinary users cannot mount", st.Mode())
	}
}

// mustRun runs a command that must succeed, and gives what it prints.
func mustRun(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

func TestOrdinaryUser(t *testing.T) {
	fixture.OneSize(t)
	needUserFUSE(t)
	home, dir, at := userHome(t, "alpha")
	check := untouched(t, dir)
	mountAgain := func() *mounted { return start(t, at, asNobody(home, walfs, "mount", dir, at)) }

	m := mountAgain()
	if got := mustRun(t, asNobody(home, "sh", "-c", `cd "$1/entries" && cat * | wc -c && stat -c '%U %a' 42`, "sh", at)); !strings.HasSuffix(got, "nobody 400\n") && !strings.HasSuffix(got, "nobody 444\n") {
		t.Errorf("the user sees %q", got)
	}
	if got := output(t, "findmnt", "-n", "-o", "FSTYPE,OPTIONS", at); !strings.HasPrefix(got, "fuse.walfs ro,nosuid,nodev") {
		t.Errorf("mounted as %q", got)
	}
	if out, err := exec.Command("cat", at+"/README").CombinedOutput(); err == nil {
		t.Errorf("another user, root, reads %q", out)
	}
	m.stop()

	t.Run("fusermount3 -u", func(t *testing.T) {
		m := mountAgain()
		mustRun(t, asNobody(home, "fusermount3", "-u", at))
		m.wantEnd()
	})
	t.Run("busy", func(t *testing.T) {
		m := mountAgain()
		cmd := asNobody(home, "sh", "-c", `cd "$1" && echo holds && read wait`, "sh", at)
		hold(t, cmd)
		m.signal(syscall.SIGTERM)
		m.wantEnd()
		if !strings.Contains(m.said(), "was in use: detached") {
			t.Errorf("walfs said %q", m.said())
		}
	})
	t.Run("dead", func(t *testing.T) {
		m := mountAgain()
		m.signal(syscall.SIGKILL)
		m.wait()
		m = mountAgain()
		if got := mustRun(t, asNobody(home, "cat", at+"/meta/last_index")); got != "975\n" {
			t.Errorf("last_index is %q", got)
		}
		m.stop()
	})
	check(t)
}

// hold starts a command, which prints a line and then waits until its input ends.
// That is at the end of the test.
func hold(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	if _, err := out.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
}

// TestUnreadableLogFile: if the user may not read a log file, walfs says so. It
// must not say that the file or its entries are missing.
func TestUnreadableLogFile(t *testing.T) {
	fixture.OneSize(t)
	needUserFUSE(t)
	home, dir, at := userHome(t, "alpha")
	if err := os.Chmod(dir+"/00001.wal", 0); err != nil {
		t.Fatal(err)
	}
	paths := []string{"entries/4", "meta/first_index", "meta/last_index", "native/00001.wal", "files/00001.wal"}
	for _, path := range paths {
		cmd := asNobody(home, walfs, "cat", dir, path)
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 3 || !bytes.Contains(out, []byte(": damaged; ")) {
			t.Errorf("cat %s: exit code %d: %s", path, cmd.ProcessState.ExitCode(), out)
		}
	}
	cmd := asNobody(home, walfs, "stat", "--json", dir)
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 3 || !bytes.Contains(out, []byte(`"last_index": null`)) ||
		!bytes.Contains(out, []byte("permission denied")) || bytes.Contains(out, []byte("lost")) {
		t.Errorf("stat: exit code %d: %s", cmd.ProcessState.ExitCode(), out)
	}
	m := start(t, at, asNobody(home, walfs, "mount", dir, at))
	for _, path := range paths {
		if out, err := asNobody(home, "cat", at+"/"+path).CombinedOutput(); err == nil || !bytes.Contains(out, []byte("Input/output error")) {
			t.Errorf("%s of the mount: %v, %s", path, err, out)
		}
	}
	m.stop()
}

// TestUnreadableToTheUser: often only the service itself may read its directory.
func TestUnreadableToTheUser(t *testing.T) {
	needUserFUSE(t)
	home, dir, at := userHome(t, "alpha")
	if err := os.Chown(dir, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := asNobody(home, walfs, "mount", dir, at).CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("permission denied")) {
		t.Errorf("%v: %s", err, out)
	}
}

// TestAllowOtherOfAUser: fusermount3 refuses --allow-other of an ordinary user
// unless /etc/fuse.conf allows it.
func TestAllowOtherOfAUser(t *testing.T) {
	needUserFUSE(t)
	conf, err := os.ReadFile("/etc/fuse.conf")
	if err == nil && bytes.Contains(conf, []byte("\nuser_allow_other")) {
		skip(t, "ordinary users may do it here: /etc/fuse.conf has user_allow_other")
	}
	home, dir, at := userHome(t, "alpha")
	cmd := asNobody(home, walfs, "mount", "--allow-other", dir, at)
	out, _ := cmd.CombinedOutput()
	said := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	want := "walfs: mount on " + at + ": fusermount3 has refused; --allow-other of an ordinary user needs a line user_allow_other in /etc/fuse.conf"
	if cmd.ProcessState.ExitCode() != 1 || len(said) != 2 || said[1] != want {
		t.Errorf("exit code %d: %q", cmd.ProcessState.ExitCode(), said)
	}
}

func TestAllowOther(t *testing.T) {
	needRoot(t)
	for _, test := range []struct {
		name string
		args []string
		mode os.FileMode // of the log file
		ok   bool
	}{
		{"others stay out", nil, 0o644, false},
		{"others are let in", []string{"--allow-other"}, 0o644, true},
		{"as far as permissions do", []string{"--allow-other"}, 0o600, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			home, dir, at := userHome(t, "alpha")
			for p, mode := range map[string]os.FileMode{dir: 0o755, dir + "/00001.wal": test.mode} {
				if err := os.Chmod(p, mode); err != nil {
					t.Fatal(err)
				}
			}
			output(t, "chown", "-R", "0:0", dir)
			m := mount(t, dir, at, test.args...)
			out, err := asNobody(home, "cat", at+"/entries/00000000000000000042").CombinedOutput()
			if (err == nil) != test.ok || !test.ok && !bytes.Contains(out, []byte("Permission denied")) {
				t.Errorf("an ordinary user gets %q, %v", out, err)
			}
			m.stop()
		})
	}
}
