//go:build unix

package platform

import (
	"context"
	"os/exec"
	"syscall"
)

// Shell is a command that runs a line with /bin/sh, in a process group of its
// own, so that KillGroup also kills what the shell starts. The group is killed when ctx
// ends.
func Shell(ctx context.Context, line string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return KillGroup(cmd) }
	return cmd, nil
}

// KillGroup kills a Shell and what it has started. Call it before cmd.Wait: after that,
// another process could have the same id.
func KillGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
