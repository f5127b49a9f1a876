package main

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// TestCopyInterrupted: a copy that is interrupted leaves nothing, and ends with the exit
// code of its signal.
func TestCopyInterrupted(t *testing.T) {
	dir := fixture.Dir(t, "alpha")
	for sig, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		fixture.Must(t, syscall.Kill(os.Getpid(), sig))
		<-ctx.Done()
		temp := t.TempDir()
		for _, out := range []string{"out", "out.tar", "-"} {
			if out != "-" {
				out = filepath.Join(temp, out)
			}
			err := runCopy(ctx, copyOptions{}, []string{dir, out}, &bytes.Buffer{})
			if err == nil || exitCode(err, true) != code || err.Error() != "interrupted: nothing was copied" {
				t.Errorf("%v, to %s: %v, exit code %d", sig, out, err, exitCode(err, true))
			}
		}
		stop()
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("%v: %v (%v) is left", sig, left, err)
		}
	}
}
