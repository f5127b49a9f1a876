package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/walfs/walfs/test/child"
	"github.com/walfs/walfs/test/fixture"
	"golang.org/x/sys/unix"
)

// TestCompletingNeverHangs: not where a file does not answer, and at Ctrl-C it ends.
func TestCompletingNeverHangs(t *testing.T) {
	t.Parallel()
	forever := func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) { select {} }
	cmd := &cobra.Command{}
	cmd.SetContext(t.Context())
	if choices, directive := within(time.Nanosecond, forever)(cmd, nil, ""); choices != nil || directive != cobra.ShellCompDirectiveNoFileComp {
		t.Errorf("%q, %d", choices, directive)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cmd.SetContext(ctx)
	within(hangLimit, forever)(cmd, nil, "")

	fifo := filepath.Join(t.TempDir(), "schema.proto")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p := child.Start(t, nil, walfsProgram(t), "__complete", "dump", "w", "--proto", fifo, "--message", "")
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0) // waits for the one who reads
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	p.Signal(os.Interrupt)
	child.Await(t, "the end", p.Ended)
}

// TestMountpoints: umount completes mounts.
func TestMountpoints(t *testing.T) {
	t.Parallel()
	needFUSE(t)
	at, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := child.Start(t, nil, walfsProgram(t), "mount", fixture.Dir(t, "alpha"), at)
	child.Await(t, "the mount", func() bool { return m.Ended() || strings.Contains(m.Said(), "walfs: serving ") })
	choices, _ := mountpoints(&cobra.Command{Use: "umount MOUNTPOINT"}, nil, at[:len(at)-1])
	if len(choices) != 1 || !strings.HasPrefix(choices[0], at) {
		t.Errorf("%q, want %s\n%s", choices, at, m.Said())
	}
	if choices, _ := mountpoints(&cobra.Command{Use: "umount MOUNTPOINT"}, nil, at+"/none"); len(choices) != 0 {
		t.Errorf("%q", choices)
	}
	m.Stop()
}

// walfsProgram is the program that scripts run.
func walfsProgram(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("walfs")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
