//go:build unix

package platform

import (
	"context"
	"os/exec"
	"syscall"
)

// Shell is a command that runs a line with /bin/sh, in a process group of its
// own, so that KillGroup reaches what the shell starts. The end of ctx kills the
// group.
func Shell(ctx context.Context, line string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return KillGroup(cmd) }
	return cmd, nil
}

// KillGroup kills a running Shell and what it has started. It must not have been
// waited for, so that its id is still its own.
func KillGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
