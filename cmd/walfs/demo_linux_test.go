package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"
	"github.com/walfs/walfs/test/fixture"
)

// startDemo starts the demo with temporary files of its own; the test fails if
// anything of it is left in the end.
func startDemo(t *testing.T, program ...string) (cmd *exec.Cmd, out io.Reader, errs *bytes.Buffer) {
	t.Helper()
	tmp := t.TempDir()
	cmd = exec.Command(program[0], program[1:]...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	errs = &bytes.Buffer{}
	cmd.Stderr = errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		left, err := mountinfo.GetMounts(mountinfo.PrefixFilter(tmp))
		if err != nil || len(left) > 0 {
			t.Errorf("mounts left: %v, %v", left, err)
		}
		if files, err := os.ReadDir(tmp); err != nil || len(files) > 0 {
			t.Errorf("files left: %v, %v", files, err)
		}
	})
	return cmd, out, errs
}

func TestDemoOnce(t *testing.T) {
	fixture.OneSize(t)
	needFUSE(t)
	cmd, out, errs := startDemo(t, "walfs", "demo", "--once")
	said, err := io.ReadAll(out)
	if err := errors.Join(err, cmd.Wait()); err != nil || errs.Len() > 0 {
		t.Fatalf("%v\n%s\n%s", err, errs, said)
	}
	checkTour(t, string(said), `\$ cat mnt/meta/hard_state/commit\n2\d\d\n`, "is mounted at")
}

// TestDemoOfOthers: a log that the program carries is shown.
func TestDemoOfOthers(t *testing.T) {
	fixture.OneSize(t)
	fixture.NotForRace(t)
	needFUSE(t)
	for system, want := range map[string][]string{
		"etcd":      {"8ccdcd827cc81aab voter http://127.0.0.1:23801 n1", "put /registry/pods/ns1/pod-10 147 bytes", "sound: a node starts, replays 1 to 79"},
		"hashicorp": {"last vote in term 3 for 127.0.0.1:8301", "KVS cas app/6/setting-1510", "node-3 voter 127.0.0.1:8302", "sound: "},
	} {
		cmd, out, errs := startDemo(t, "walfs", "demo", "--once", "--system", system)
		said, err := io.ReadAll(out)
		if err := errors.Join(err, cmd.Wait()); err != nil || errs.Len() > 0 {
			t.Fatalf("%v\n%s\n%s", err, errs, said)
		}
		for _, text := range append(want, "is mounted at") {
			if !strings.Contains(string(said), text) {
				t.Errorf("%s: %q is not shown in\n%s", system, text, said)
			}
		}
	}
}

// checkTour looks for what every tour shows.
func checkTour(t *testing.T, said string, more ...string) {
	t.Helper()
	// Who leads, and in which term, hangs on how fast the machine is.
	for _, want := range append(more,
		`Node \d leads, in term \d+\.\n`, `Node \d is stopped\.\nNode \d leads`, `is back\. All nodes have the same 200 values`,
		`Node 1 has a snapshot at index [12]\d\d`, `\nsnapshots\nstatus\.json\n`, `\n00000000000000000003\n`, `"put":"user-\d`,
		`\n(mnt/entries/\d+\n|\{"index":\d+,)`, `\n  "user-001": "Lima",\n`,
	) {
		if !regexp.MustCompile(want).MatchString(said) {
			t.Errorf("%q is missing in\n%s", want, said)
		}
	}
}

// TestDemoWithoutFUSE hides /dev/fuse from the demo.
func TestDemoWithoutFUSE(t *testing.T) {
	fixture.OneSize(t)
	if os.Geteuid() != 0 {
		skip(t, "needs root")
	}
	cmd, out, errs := startDemo(t, "unshare", "-m", "sh", "-c", "mount --bind /dev/null /dev/fuse && exec walfs demo --once")
	said, err := io.ReadAll(out)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		t.Fatalf("%v\n%s\n%s", err, errs, said)
	}
	if !strings.HasPrefix(errs.String(), "walfs: no mount here: ") || !strings.HasSuffix(errs.String(), "\nwalfs: the same tour without one\n") {
		t.Errorf("stderr: %s", errs)
	}
	checkTour(t, string(said), `\$ walfs stat node1\nraft id +1\n`)
}

// TestDemoInterrupted: Ctrl-C ends it cleanly, wherever it is.
func TestDemoInterrupted(t *testing.T) {
	fixture.OneSize(t)
	needFUSE(t)
	// Any node may come to lead first, and be stopped.
	for _, at := range []string{"^Three Raft nodes", `^Node \d is stopped`, "^# Entries are files", "^Look further: cd "} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			cmd, out, errs := startDemo(t, "walfs", "demo")
			killed := time.AfterFunc(hangLimit, func() { cmd.Process.Signal(syscall.SIGQUIT) })
			defer killed.Stop()
			waitFor(t, out, at)
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, out)
			if err := cmd.Wait(); err != nil || errs.Len() > 0 {
				t.Errorf("%v\n%s", err, errs)
			}
		})
	}
}

// TestDemoOutputClosed: whoever reads what the demo prints stops reading, as head does.
// That is a quiet end.
func TestDemoOutputClosed(t *testing.T) {
	fixture.OneSize(t)
	needFUSE(t)
	for _, at := range []string{"^Three Raft nodes", "^Node 1's log is mounted", "^README$", "^# Metadata"} {
		cmd, out, errs := startDemo(t, "walfs", "demo")
		waitFor(t, out, at)
		out.(io.Closer).Close()
		if cmd.Wait(); cmd.ProcessState.ExitCode() != 0 || errs.Len() > 0 {
			t.Errorf("%v\n%s", cmd.ProcessState, errs)
		}
	}
}

// waitFor reads to the first line that matches.
func waitFor(t *testing.T, out io.Reader, match string) {
	t.Helper()
	lines, line := bufio.NewScanner(out), regexp.MustCompile(match)
	for lines.Scan() {
		if line.MatchString(lines.Text()) {
			return
		}
	}
	t.Errorf("no line matches %q (%v)", match, lines.Err())
}

func needFUSE(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		skip(t, err.Error())
	}
	f.Close()
}

// skip fails in CI, where nothing may be skipped.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}
