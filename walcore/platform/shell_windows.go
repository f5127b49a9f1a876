package platform

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// Shell fails with errors.ErrUnsupported.
func Shell(context.Context, string) (*exec.Cmd, error) {
	return nil, fmt.Errorf("running a command needs /bin/sh, which Windows does not have: %w", errors.ErrUnsupported)
}

// KillGroup has nothing to kill.
func KillGroup(*exec.Cmd) error { return errors.ErrUnsupported }
