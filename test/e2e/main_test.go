//go:build linux

// Package e2e runs the walfs program as a user does, and reads its mounts from child
// processes.
//
// A test that needs what the machine does not have (FUSE, restic, rsync) is skipped;
// with CI=true it fails.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
	"github.com/walfs/walfs/test/child"
)

// walfs is the program under test.
var walfs string

func TestMain(m *testing.M) {
	child.LookerMain()
	if len(os.Args) > 1 && children[os.Args[1]] != nil {
		if err := children[os.Args[1]](os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	temp, err := os.MkdirTemp("", "walfs-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(temp)
	// Tests also run the program as an ordinary user, who must be able to get here.
	if err := os.Chmod(temp, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// t.TempDir and child processes use this folder too. So any mount that is left
	// in it is ours.
	os.Setenv("TMPDIR", temp)
	// A program with the race detector sleeps for a second before it ends.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	walfs = filepath.Join(temp, "walfs")
	args := []string{"build", "-o", walfs}
	if child.Race {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "github.com/walfs/walfs/cmd/walfs")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	if left := mountsBelow(temp); len(left) > 0 {
		fmt.Fprintf(os.Stderr, "mounts left behind: %v\n", left)
		for _, at := range left {
			exec.Command("umount", "-l", at).Run()
		}
		code = 1
	}
	return code
}

// mountsBelow lists what is mounted at or below a path, dead mounts included.
func mountsBelow(path string) (at []string) {
	mounts, err := mountinfo.GetMounts(nil)
	if err != nil {
		return []string{err.Error()}
	}
	for _, m := range mounts {
		if m.Mountpoint == path || strings.HasPrefix(m.Mountpoint, path+"/") {
			at = append(at, m.Mountpoint)
		}
	}
	return at
}

// need skips the test if a tool is not installed.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			skip(t, "%s is not installed", tool)
		}
	}
}

func needFUSE(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		skip(t, "there is no FUSE here: %v", err)
	}
	f.Close()
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		skip(t, "only root can do this")
	}
}

func skip(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
